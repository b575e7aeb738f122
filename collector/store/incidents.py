"""Read single incidents: what one verdict event said, whole."""

from __future__ import annotations

from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store.tables import EVENTS


async def find_incident(connection: AsyncConnection, incident: str) -> RowMapping | None:
    """Return the event that a person was shown this id for, or nothing."""
    found = await connection.execute(select(EVENTS).where(EVENTS.c.id == incident))
    return found.mappings().first()


async def device_incidents(
    connection: AsyncConnection, device_id: str, top: int = 50, below: int | None = None
) -> list[RowMapping]:
    """Return what a device met, newest first, under the number `below` where it is given."""
    wanted = select(EVENTS).where(EVENTS.c.device_id == device_id).order_by(EVENTS.c.seq.desc()).limit(top)
    if below is not None:
        wanted = wanted.where(EVENTS.c.seq < below)
    return list((await connection.execute(wanted)).mappings())
