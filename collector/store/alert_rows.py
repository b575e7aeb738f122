"""Write alerts: new ones are made, known ones take in what is new. A person's triage is never overwritten here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.alerting import Sighting, merge
from collector.store.database import chunks
from collector.store.tables import ALERTS

_COLUMNS = [ALERTS.c[part.name] for part in fields(Sighting)]


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
    connection: AsyncConnection, sightings: Mapping[str, Sighting], tallies: Mapping[str, Tally], now: datetime
) -> tuple[str, ...]:
    """Merge sightings and tallies into the alerts they belong to; return the ids of alerts that are new."""
    known = await _load(connection, sorted(sightings.keys() | tallies.keys()))
    merged = dict(known)
    for alert, seen in sightings.items():
        merged[alert] = merge(known[alert], seen) if alert in known else seen
    for alert, tally in tallies.items():
        if alert in merged:
            merged[alert] = tally.onto(merged[alert])
    raised = tuple(alert for alert in merged if alert not in known)
    await _insert(connection, [merged[alert] for alert in raised], now)
    await _update(connection, [merged[alert] for alert in known], now)
    return raised


async def _load(connection: AsyncConnection, ids: list[str]) -> dict[str, Sighting]:
    found: dict[str, Sighting] = {}
    for part in chunks(ids):
        rows = await connection.execute(select(*_COLUMNS).where(ALERTS.c.id.in_(part)))
        found.update({row.id: Sighting(*row) for row in rows})
    return found


async def _insert(connection: AsyncConnection, alerts: list[Sighting], now: datetime) -> None:
    rows: list[dict[str, Any]] = [asdict(seen) | {"status": "New", "created": now, "updated": now} for seen in alerts]
    if rows:
        await connection.execute(insert(ALERTS), rows)


async def _update(connection: AsyncConnection, alerts: list[Sighting], now: datetime) -> None:
    rows = [{f"new_{key}": value for key, value in asdict(seen).items()} | {"new_updated": now} for seen in alerts]
    if not rows:
        return
    names = [column.name for column in _COLUMNS if column.name != "id"] + ["updated"]
    changed = update(ALERTS).where(ALERTS.c.id == bindparam("new_id"))
    values = {name: bindparam(f"new_{name}", type_=ALERTS.c[name].type) for name in names}
    await connection.execute(changed.values(values), rows)
