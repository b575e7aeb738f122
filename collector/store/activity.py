"""Read counts by hour, for charts and headline numbers."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store.tables import ACTIVITY

type Hours = dict[datetime, dict[str, int]]  # start of the hour -> measure -> count


async def hours_since(connection: AsyncConnection, since: datetime, device_id: str | None = None) -> Hours:
    """Return what was counted from an hour on, of one device or of all; hours in which nothing happened are missing."""
    total = func.sum(ACTIVITY.c.count).label("total")
    wanted = select(ACTIVITY.c.hour, ACTIVITY.c.measure, total)
    wanted = wanted.where(ACTIVITY.c.device_id == (device_id or ""), ACTIVITY.c.hour >= since)
    hours: defaultdict[datetime, dict[str, int]] = defaultdict(dict)
    for row in await connection.execute(wanted.group_by(ACTIVITY.c.hour, ACTIVITY.c.measure)):
        hours[row.hour][row.measure] = int(row.total)
    return dict(hours)
