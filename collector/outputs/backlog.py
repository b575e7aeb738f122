"""What outputs still have to tell: rows after the place that each has reached. Reads tables, sends nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.outputs.notice import Notice
from collector.outputs.settings import Send
from collector.resources import alert_resource
from collector.store.alerts import list_alerts, with_evidence
from collector.store.database import Database
from collector.store.people_tables import AUDIT, OUTPUTS
from collector.store.policy_tables import RISK_CHANGES
from collector.store.tables import ALERTS

TABLES: Mapping[Send, Table] = {Send.ALERTS: ALERTS, Send.RISK: RISK_CHANGES, Send.AUDIT: AUDIT}

type Position = dict[str, int]  # kind -> number of the row told last
type Signer = Callable[[RowMapping], str]


def unsigned(row: RowMapping) -> str:
    """Sign nothing: for a collector without a signing key."""
    return ""


async def position_of(database: Database, name: str) -> Position:
    """Return how far an output has come; a new one begins with what happens from now on."""
    async with database.read() as connection:
        row = (await connection.execute(select(OUTPUTS.c.position).where(OUTPUTS.c.name == name))).first()
        newest = {kind: await _newest(connection, table) for kind, table in TABLES.items()}
    if row is not None:
        return {str(kind): int(row.position.get(kind, newest[kind])) for kind in TABLES}
    values = {"position": newest, "delivered": 0, "failed": 0, "skipped": 0, "last_error": ""}
    async with database.write() as connection:
        await database.upsert(connection, OUTPUTS, [{"name": name, **values}])
    return {str(kind): seq for kind, seq in newest.items()}


async def _newest(connection: AsyncConnection, table: Table) -> int:
    return int((await connection.execute(select(func.max(table.c.seq)))).scalar() or 0)


async def waiting(database: Database, position: Position, kinds: tuple[Send, ...]) -> int:
    """Return about how many rows an output has still to tell."""
    async with database.read() as connection:
        return sum([max(0, await _newest(connection, TABLES[kind]) - position.get(kind, 0)) for kind in kinds])


async def next_notices(
    database: Database, position: Position, kinds: tuple[Send, ...], most: int, signer: Signer = unsigned
) -> list[Notice]:
    """Return the next notices of the first kind that has any. A place beyond the last row moves back to it."""
    readers = {Send.ALERTS: _alerts, Send.RISK: _risk, Send.AUDIT: _audit}
    async with database.read() as connection:
        for kind in kinds:
            if found := await readers[kind](connection, position.get(kind, 0), most, signer):
                return found
            position[kind] = min(position.get(kind, 0), await _newest(connection, TABLES[kind]))
    return []


async def _alerts(connection: AsyncConnection, after: int, most: int, _: Signer) -> list[Notice]:
    rows = await list_alerts(connection, [ALERTS.c.seq > after], [ALERTS.c.seq], top=most)
    records = await with_evidence(connection, rows)
    return [Notice(Send.ALERTS, r.row["seq"], r.row["created"], alert_resource(r)) for r in records]


async def _risk(connection: AsyncConnection, after: int, most: int, signer: Signer) -> list[Notice]:
    rows = await _rows(connection, RISK_CHANGES, after, most)
    return [Notice(Send.RISK, row["seq"], row["time"], _risk_body(row, signer)) for row in rows]


def _risk_body(row: RowMapping, signer: Signer) -> dict[str, Any]:
    kept = {name: row[name] for name in ("before", "after", "reasons")}
    return {"machineId": row["device_id"], **kept, "set": signer(row) or None}


async def _audit(connection: AsyncConnection, after: int, most: int, _: Signer) -> list[Notice]:
    rows = await _rows(connection, AUDIT, after, most)
    kept = ("who", "what", "target", "detail")
    return [Notice(Send.AUDIT, row["seq"], row["time"], {name: row[name] for name in kept}) for row in rows]


async def _rows(connection: AsyncConnection, table: Table, after: int, most: int) -> list[RowMapping]:
    wanted = select(table).where(table.c.seq > after).order_by(table.c.seq).limit(most)
    return list((await connection.execute(wanted)).mappings())


async def note_result(
    database: Database, name: str, now: datetime, *, told: Position | None = None, skipped: int = 0, error: str = ""
) -> None:
    """Keep how a delivery went: the new place where it was told (or skipped), and the last error."""
    changes: dict[Any, Any] = {OUTPUTS.c.last_error: error[:1000]}
    if error:
        changes |= {OUTPUTS.c.failed: OUTPUTS.c.failed + 1, OUTPUTS.c.last_failure: now}
    async with database.write() as connection:
        if told is not None:
            row = (await connection.execute(select(OUTPUTS.c.position).where(OUTPUTS.c.name == name))).one()
            moved = sum(told[kind] - int(row.position.get(kind, 0)) for kind in told)
            changes |= {OUTPUTS.c.position: {**row.position, **told}, OUTPUTS.c.skipped: OUTPUTS.c.skipped + skipped}
            if not error:
                changes |= {OUTPUTS.c.delivered: OUTPUTS.c.delivered + moved, OUTPUTS.c.last_success: now}
        await connection.execute(OUTPUTS.update().where(OUTPUTS.c.name == name).values(changes))
