"""Write alerts: new ones are made, known ones take in what is new, and the devices' risk rises with them.

A person's triage is never overwritten here but in one way: a resolved alert that is met again is open again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import Update, bindparam, case, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.alerting import LeadOrder, Sighting, lead_order
from collector.store.alert_totals import add, raise_counts, subtract, total_of
from collector.store.bulk import among, run_many
from collector.store.database import Database
from collector.store.risk import raise_risks
from collector.store.tables import ALERTS, COMMENTS
from collector.triage import RESOLVED
from indicators.frozen import frozen
from indicators.words import Severity

_MET_AGAIN = "Met again after it was resolved: open again."
_RANKS = {severity: rank for rank, severity in enumerate(Severity)}
_NAMES = tuple(part.name for part in fields(Sighting))
_FIELDS = attrgetter(*_NAMES)
_SAME = {"id", "device_id", "destination", "day"}  # of all sightings of one alert
_WORDS = tuple(name for name in _NAMES if name not in _SAME | {"count", "first_event", "last_event"})


def _more() -> Update:
    """Return the statement that adds further enforcements to an alert."""
    old, when = ALERTS.c, ALERTS.c.updated.type
    first, last = bindparam("first", type_=when), bindparam("last", type_=when)
    values = {
        "count": old.count + bindparam("more"),
        "first_event": case((first < old.first_event, first), else_=old.first_event),
        "last_event": case((last > old.last_event, last), else_=old.last_event),
        "updated": bindparam("now", type_=when),
    }
    return update(ALERTS).where(old.id == bindparam("alert")).values(values)


def _lead_words() -> Update:
    """Return the statement that gives an alert other words."""
    values = {name: bindparam(f"new_{name}", type_=ALERTS.c[name].type) for name in (*_WORDS, "total")}
    return update(ALERTS).where(ALERTS.c.id == bindparam("new_id")).values(values)


# Made once: what they are compiled to is kept (`store/bulk.py`).
_NEW, _LEAD, _MORE = insert(ALERTS), _lead_words(), _more()


@frozen
class Tally:
    """Count further enforcements, with the span in which they happened."""

    count: int
    first: datetime
    last: datetime

    @classmethod
    def of(cls, seen: Sighting) -> Tally:
        """Return what a sighting counts."""
        return cls(seen.count, seen.first_event, seen.last_event)

    def plus(self, other: Tally) -> Tally:
        """Add two tallies."""
        return Tally(self.count + other.count, min(self.first, other.first), max(self.last, other.last))

    def onto(self, seen: Sighting) -> Sighting:
        """Add the tally to an alert."""
        return replace(
            seen,
            count=seen.count + self.count,
            first_event=min(seen.first_event, self.first),
            last_event=max(seen.last_event, self.last),
        )


@frozen
class _Known:
    """Hold of an alert that is there who leads it, and since when it is resolved, if it is."""

    severity: Severity
    lead_time: datetime
    lead_event: str
    status: str
    resolved: datetime | None

    @property
    def order(self) -> LeadOrder:
        return lead_order(self.severity, self.lead_time, self.lead_event)


async def keep_alerts(
    database: Database,
    connection: AsyncConnection,
    sightings: Mapping[str, Sighting],
    tallies: Mapping[str, Tally],
    now: datetime,
) -> tuple[str, ...]:
    """Merge sightings and tallies into the alerts they belong to; return the ids of alerts that are new.

    What an alert that is there says is written anew only where a sighting leads it: its words stand in most indexes.
    """
    known = await _load(connection, sightings)
    counts = dict(tallies)
    for alert in known:
        tally = Tally.of(sightings[alert])
        counts[alert] = counts[alert].plus(tally) if alert in counts else tally
    raised = tuple(alert for alert in sightings if alert not in known)
    new = [counts.pop(alert).onto(sightings[alert]) if alert in counts else sightings[alert] for alert in raised]
    leading = {alert: sightings[alert] for alert, held in known.items() if sightings[alert].order < held.order}
    if leading:
        await subtract(connection, among(connection, ALERTS.c.id, leading))
    await _insert(connection, new, now)
    await _lead(connection, list(leading.values()))
    await _count(connection, counts, now)
    await raise_counts(connection, {id_: tally.count for id_, tally in counts.items() if id_ not in leading})
    if raised or leading:
        await add(database, connection, among(connection, ALERTS.c.id, (*raised, *leading)))
    closed = await _reopen(database, connection, sightings, known, now)
    await raise_risks(database, connection, _worst(sightings, known, closed), now)
    return raised


async def _reopen(
    database: Database,
    connection: AsyncConnection,
    sightings: Mapping[str, Sighting],
    known: Mapping[str, _Known],
    now: datetime,
) -> set[str]:
    """Open resolved alerts that were met since; return those that stay resolved."""
    resolved = {alert: held.resolved for alert, held in known.items() if held.status == RESOLVED}
    stay = {alert for alert, when in resolved.items() if when and sightings[alert].last_event <= when}
    for alert in resolved.keys() - stay:
        one = ALERTS.c.id == alert
        await subtract(connection, one)
        await connection.execute(update(ALERTS).where(one).values(status="New", resolved=None))
        await add(database, connection, one)
        said = {"alert_id": alert, "comment": _MET_AGAIN, "created_by": "Seawall", "created": now}
        await connection.execute(insert(COMMENTS).values(**said))
    return stay


def _worst(sightings: Mapping[str, Sighting], known: Mapping[str, _Known], closed: set[str]) -> dict[str, Severity]:
    """Return the worst of each device's alerts that were met and are open, as they stand now."""
    found: dict[str, Severity] = {}
    for alert, seen in sightings.items():
        if alert not in closed:
            severities = [seen.severity, found.get(seen.device_id, seen.severity)]
            severities += [known[alert].severity] if alert in known else []
            found[seen.device_id] = max(severities, key=_RANKS.__getitem__)
    return found


async def _load(connection: AsyncConnection, ids: Iterable[str]) -> dict[str, _Known]:
    """Return what must be known of the alerts that are there."""
    wanted = select(ALERTS.c.id, *(ALERTS.c[part.name] for part in fields(_Known)))
    rows = await connection.execute(wanted.where(among(connection, ALERTS.c.id, ids)))
    return {row.id: _Known(*row[1:]) for row in rows}


async def _insert(connection: AsyncConnection, alerts: list[Sighting], now: datetime) -> None:
    more: dict[str, Any] = {"status": "New", "created": now, "updated": now}
    await run_many(connection, _NEW, [_values(seen) | more | {"total": total_of(seen)} for seen in alerts])


async def _lead(connection: AsyncConnection, alerts: list[Sighting]) -> None:
    """Give alerts the words of what leads them now."""
    rows = [
        {f"new_{name}": getattr(seen, name) for name in ("id", *_WORDS)} | {"new_total": total_of(seen)}
        for seen in alerts
    ]
    await run_many(connection, _LEAD, rows)


async def _count(connection: AsyncConnection, tallies: Mapping[str, Tally], now: datetime) -> None:
    """Add further enforcements to alerts that nothing else changes; their words need not be read for that."""
    rows = [
        {"alert": alert, "more": tally.count, "first": tally.first, "last": tally.last, "now": now}
        for alert, tally in tallies.items()
    ]
    await run_many(connection, _MORE, rows)


def _values(seen: Sighting) -> dict[str, Any]:
    """Return the fields by name; `dataclasses.asdict` would copy each value, which took a third of all ingest."""
    return dict(zip(_NAMES, _FIELDS(seen), strict=True))
