"""Write alerts: new ones are made, known ones take in what is new, and the devices' risk rises with them.

A person's triage is never overwritten here but in one way: a resolved alert that is met again is open again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, case, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.alerting import Sighting, merge
from collector.store.bulk import among, run_many
from collector.store.database import Database
from collector.store.risk import raise_risks
from collector.store.tables import ALERTS, COMMENTS
from collector.triage import RESOLVED
from indicators.words import Severity

_MET_AGAIN = "Met again after it was resolved: open again."
_RANKS = {severity: rank for rank, severity in enumerate(Severity)}
_NAMES = tuple(part.name for part in fields(Sighting))
_COLUMNS = [ALERTS.c[name] for name in _NAMES]


@dataclass(frozen=True, slots=True)
class Tally:
    """Count further enforcements, with the span in which they happened."""

    count: int
    first: datetime
    last: datetime

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


async def keep_alerts(
    database: Database,
    connection: AsyncConnection,
    sightings: Mapping[str, Sighting],
    tallies: Mapping[str, Tally],
    now: datetime,
) -> tuple[str, ...]:
    """Merge sightings and tallies into the alerts they belong to; return the ids of alerts that are new."""
    known, resolved = await _load(connection, sightings)
    merged = {alert: merge(known[alert], seen) if alert in known else seen for alert, seen in sightings.items()}
    for alert in tallies.keys() & merged.keys():
        merged[alert] = tallies[alert].onto(merged[alert])
    raised = tuple(alert for alert in merged if alert not in known)
    await _insert(connection, [merged[alert] for alert in raised], now)
    await _update(connection, [merged[alert] for alert in known], now)
    await _count(connection, {alert: tally for alert, tally in tallies.items() if alert not in merged}, now)
    closed = await _reopen(connection, sightings, resolved, now)
    await raise_risks(database, connection, _worst(merged[alert] for alert in sightings if alert not in closed), now)
    return raised


async def _reopen(
    connection: AsyncConnection,
    sightings: Mapping[str, Sighting],
    resolved: Mapping[str, datetime | None],
    now: datetime,
) -> set[str]:
    """Open resolved alerts that were met since; return those that stay resolved."""
    stay = {alert for alert, when in resolved.items() if when and sightings[alert].last_event <= when}
    for alert in resolved.keys() - stay:
        await connection.execute(update(ALERTS).where(ALERTS.c.id == alert).values(status="New", resolved=None))
        said = {"alert_id": alert, "comment": _MET_AGAIN, "created_by": "Seawall", "created": now}
        await connection.execute(insert(COMMENTS).values(**said))
    return stay


def _worst(alerts: Iterable[Sighting]) -> dict[str, Severity]:
    found: dict[str, Severity] = {}
    for seen in alerts:
        found[seen.device_id] = max(found.get(seen.device_id, seen.severity), seen.severity, key=_RANKS.__getitem__)
    return found


async def _load(
    connection: AsyncConnection, ids: Iterable[str]
) -> tuple[dict[str, Sighting], dict[str, datetime | None]]:
    """Return the alerts that are there, and since when those are resolved that are."""
    wanted = select(*_COLUMNS, ALERTS.c.status, ALERTS.c.resolved).where(among(connection, ALERTS.c.id, ids))
    rows = (await connection.execute(wanted)).all()
    resolved = {row.id: row.resolved for row in rows if row.status == RESOLVED}
    return {row.id: Sighting(*row[: len(_COLUMNS)]) for row in rows}, resolved


async def _insert(connection: AsyncConnection, alerts: list[Sighting], now: datetime) -> None:
    more: dict[str, Any] = {"status": "New", "created": now, "updated": now}
    await run_many(connection, insert(ALERTS), [_values(seen) | more for seen in alerts])


async def _update(connection: AsyncConnection, alerts: list[Sighting], now: datetime) -> None:
    rows = [{f"new_{key}": value for key, value in _values(seen).items()} | {"new_updated": now} for seen in alerts]
    names = [column.name for column in _COLUMNS if column.name != "id"] + ["updated"]
    values = {name: bindparam(f"new_{name}", type_=ALERTS.c[name].type) for name in names}
    await run_many(connection, update(ALERTS).where(ALERTS.c.id == bindparam("new_id")).values(values), rows)


async def _count(connection: AsyncConnection, tallies: Mapping[str, Tally], now: datetime) -> None:
    """Add further enforcements to alerts that nothing else changes; their words need not be read for that."""
    old, when = ALERTS.c, ALERTS.c.updated.type
    first, last = bindparam("first", type_=when), bindparam("last", type_=when)
    values = {
        "count": old.count + bindparam("more"),
        "first_event": case((first < old.first_event, first), else_=old.first_event),
        "last_event": case((last > old.last_event, last), else_=old.last_event),
        "updated": bindparam("now", type_=when),
    }
    rows = [
        {"alert": alert, "more": tally.count, "first": tally.first, "last": tally.last, "now": now}
        for alert, tally in tallies.items()
    ]
    await run_many(connection, update(ALERTS).where(old.id == bindparam("alert")).values(values), rows)


def _values(seen: Sighting) -> dict[str, Any]:
    """Return the fields by name; `dataclasses.asdict` would copy each value, which took a third of all ingest."""
    return {name: getattr(seen, name) for name in _NAMES}
