"""Read what the overview shows: the destinations and indicators met most, and how many of what."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, RowMapping, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store.tables import ALERTS


async def top_destinations(connection: AsyncConnection, since: datetime, top: int = 6) -> list[RowMapping]:
    """Return the destinations of alerts active since a time: `destination`, `hidden`, `total`, `devices`, `threat`."""
    return await _top(connection, since, top, (ALERTS.c.destination, ALERTS.c.hidden))


async def top_indicators(connection: AsyncConnection, since: datetime, top: int = 6) -> list[RowMapping]:
    """Return the indicators that decided most: `threat_name`, `detection_source`, `total`, `devices`, `threat`."""
    return await _top(connection, since, top, (ALERTS.c.threat_name, ALERTS.c.detection_source))


async def _top(
    connection: AsyncConnection, since: datetime, top: int, by: tuple[ColumnElement[object], ...]
) -> list[RowMapping]:
    total = func.sum(ALERTS.c.count).label("total")
    devices = func.count(ALERTS.c.device_id.distinct()).label("devices")
    wanted = select(*by, total, devices, func.max(ALERTS.c.threat_category).label("threat"))
    wanted = wanted.where(ALERTS.c.last_event >= since, by[0] != "").group_by(*by)
    return list((await connection.execute(wanted.order_by(total.desc(), by[0]).limit(top))).mappings())


async def hits_of(connection: AsyncConnection, values: list[str]) -> dict[str, RowMapping]:
    """Return for each indicator value that decided anything: `alerts`, `total`, `devices`, `last`."""
    wanted = select(
        ALERTS.c.threat_name,
        func.count().label("alerts"),
        func.sum(ALERTS.c.count).label("total"),
        func.count(ALERTS.c.device_id.distinct()).label("devices"),
        func.max(ALERTS.c.last_event, type_=ALERTS.c.last_event.type).label("last"),
    ).where(ALERTS.c.threat_name.in_(values))
    found = await connection.execute(wanted.group_by(ALERTS.c.threat_name))
    return {row["threat_name"]: row for row in found.mappings()}
