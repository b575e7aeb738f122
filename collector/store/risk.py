"""Keep each device's risk and its history, and tell the gateways. Written in the transaction of what changed it.

New alerts can only raise a risk, so ingest looks at nothing but the alerts that it has just written; triage computes
the device anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.risk import OpenAlert, reasons, risk_of, worse
from collector.store.database import Database, chunks
from collector.store.policy_stream import Kind, tell
from collector.store.policy_tables import RISK_CHANGES, RISKS
from collector.store.tables import ALERTS
from indicators.words import Risk, Severity

_SHOWN = 50  # open alerts that explain a risk, and changes of its history


@dataclass(frozen=True, slots=True)
class Explained:
    """Hold a device's risk, since when, the open alerts behind it (worst first) and its changes, newest first."""

    level: Risk
    since: datetime | None
    alerts: list[OpenAlert]
    history: list[RowMapping]


async def raise_risks(
    database: Database, connection: AsyncConnection, worst: Mapping[str, Severity], now: datetime
) -> None:
    """Take in the most severe new alert of each device; a risk is never lowered here."""
    weighing = {device: risk_of(severity) for device, severity in worst.items() if risk_of(severity) is not Risk.NONE}
    held = await _levels(connection, sorted(weighing))
    for device, level in weighing.items():
        before = held.get(device, Risk.NONE)
        if worse(before, level) is not before:
            await _change(database, connection, device, (before, level), now)


async def recompute(database: Database, connection: AsyncConnection, device: str, now: datetime) -> None:
    """Compute a device's risk from its open alerts, after any of them was changed by hand."""
    alerts = await _open_alerts(connection, device)
    after = risk_of(alerts[0].severity if alerts else None)
    before = (await _levels(connection, [device])).get(device, Risk.NONE)
    if before is not after:
        await _change(database, connection, device, (before, after), now)


async def explained(connection: AsyncConnection, device: str) -> Explained:
    """Return a device's risk with all that explains it."""
    row = (await connection.execute(select(RISKS).where(RISKS.c.device_id == device))).mappings().first()
    wanted = select(RISK_CHANGES).where(RISK_CHANGES.c.device_id == device)
    changes = await connection.execute(wanted.order_by(RISK_CHANGES.c.seq.desc()).limit(_SHOWN))
    alerts = await _open_alerts(connection, device)
    level = Risk(row["level"]) if row else Risk.NONE
    return Explained(level, row["since"] if row else None, alerts, list(changes.mappings()))


async def _levels(connection: AsyncConnection, devices: Sequence[str]) -> dict[str, Risk]:
    found: dict[str, Risk] = {}
    for part in chunks(devices):
        rows = await connection.execute(select(RISKS.c.device_id, RISKS.c.level).where(RISKS.c.device_id.in_(part)))
        found.update({row.device_id: Risk(row.level) for row in rows})
    return found


async def _open_alerts(connection: AsyncConnection, device: str) -> list[OpenAlert]:
    columns = (ALERTS.c.id, ALERTS.c.title, ALERTS.c.severity, ALERTS.c.last_event)
    wanted = select(*columns).where(ALERTS.c.device_id == device, ALERTS.c.status != "Resolved")
    wanted = wanted.order_by(ALERTS.c.severity.desc(), ALERTS.c.last_event.desc(), ALERTS.c.seq).limit(_SHOWN)
    return [OpenAlert(*row) for row in await connection.execute(wanted)]


async def _change(
    database: Database, connection: AsyncConnection, device: str, levels: tuple[Risk, Risk], now: datetime
) -> None:
    before, after = levels
    why = reasons(await _open_alerts(connection, device))
    row = {"device_id": device, "time": now, "before": before, "after": after, "reasons": why}
    await connection.execute(insert(RISK_CHANGES).values(**row))
    if after is Risk.NONE:
        await connection.execute(delete(RISKS).where(RISKS.c.device_id == device))
        await tell(connection, Kind.RISK, device, None, now)
        return
    await database.upsert(connection, RISKS, [{"device_id": device, "level": after, "since": now}])
    await tell(connection, Kind.RISK, device, {"level": after, "reasons": why}, now)
