"""Read counts by hour or by several, for charts and headline numbers.

The database adds up: SQLite's reader gives the interpreter up at each row, and waits for it again beside ingest. A
month by the hour was seven hundred rows and more.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, func, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store.columns import milliseconds
from collector.store.tables import ACTIVITY

_HOUR = 3_600_000  # milliseconds

type Counts = dict[datetime, dict[str, int]]  # start -> measure -> count


async def counts_since(
    connection: AsyncConnection, first: datetime, step: int = 1, device_id: str | None = None
) -> Counts:
    """Return what was counted from a time on, `step` hours together, of one device or of all.

    An hour counts where it begins. What nothing happened in is missing.
    """
    since = type_coerce(ACTIVITY.c.hour, BigInteger) - milliseconds(first)
    place = (since // (step * _HOUR)).label("place")
    wanted = select(place, ACTIVITY.c.measure, func.sum(ACTIVITY.c.count).label("total"))
    wanted = wanted.where(ACTIVITY.c.device_id == (device_id or ""), ACTIVITY.c.hour >= first)
    found: defaultdict[datetime, dict[str, int]] = defaultdict(dict)
    for row in await connection.execute(wanted.group_by("place", ACTIVITY.c.measure)):
        found[first + timedelta(hours=step * row.place)][row.measure] = int(row.total)
    return dict(found)
