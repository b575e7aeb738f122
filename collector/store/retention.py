"""Remove what is older than the retention, a little at a time, so that no delivery waits for it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Table, delete, select

from collector.store.database import Database
from collector.store.tables import ACTIVITY, ALERTS, DEVICES, EVENTS, ORPHANS, RECEIPTS, SESSIONS

_PART = 1000  # rows removed in one transaction


async def sweep(database: Database, now: datetime, retention: timedelta) -> int:
    """Remove old rows and return how many.

    What counts is when a row was received or last changed here, not what a gateway's clock said. A device goes when
    it has not been heard of for that long; what it was seen with goes along. Ids of events go too: a gateway that
    delivers one again after all this time is believed anew.
    """
    old = now - retention
    return sum(
        [
            await _remove(database, EVENTS, EVENTS.c.received < old),
            await _remove(database, ALERTS, ALERTS.c.updated < old),
            await _remove(database, RECEIPTS, RECEIPTS.c.received < old),
            await _remove(database, ORPHANS, ORPHANS.c.received < old),
            await _remove(database, DEVICES, DEVICES.c.received < old),
            await _remove(database, SESSIONS, SESSIONS.c.expires < now),
            await _remove_activity(database, old),
        ]
    )


async def _remove(database: Database, table: Table, condition: ColumnElement[bool]) -> int:
    removed = 0
    while True:
        async with database.write() as connection:
            some = select(table.c.id).where(condition).limit(_PART)
            done = await connection.execute(delete(table).where(table.c.id.in_(some)))
        removed += done.rowcount
        if done.rowcount < _PART:
            return removed
        await asyncio.sleep(0)


async def _remove_activity(database: Database, old: datetime) -> int:
    async with database.write() as connection:
        return (await connection.execute(delete(ACTIVITY).where(ACTIVITY.c.hour < old))).rowcount
