"""Read what the overview shows: headline numbers and the destinations met most."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import RowMapping, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store.tables import ALERTS


async def top_destinations(connection: AsyncConnection, since: datetime, top: int = 6) -> list[RowMapping]:
    """Return the destinations of alerts active since a time: `destination`, `hidden`, `count`, `devices`, `threat`."""
    total = func.sum(ALERTS.c.count).label("total")
    wanted = (
        select(
            ALERTS.c.destination,
            ALERTS.c.hidden,
            total,
            func.count(ALERTS.c.device_id.distinct()).label("devices"),
            func.max(ALERTS.c.threat_category).label("threat"),
        )
        .where(ALERTS.c.last_event >= since)
        .group_by(ALERTS.c.destination, ALERTS.c.hidden)
        .order_by(total.desc(), ALERTS.c.destination)
        .limit(top)
    )
    return list((await connection.execute(wanted)).mappings())
