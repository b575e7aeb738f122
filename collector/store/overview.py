"""Read what the overview shows: the destinations and indicators met most, and how many of what.

Sums come from `alert_totals`, which hold a row for each day; alerts are read only to tell devices apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Column, RowMapping, Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store.tables import ALERTS
from collector.store.total_tables import ALERT_TOTALS

_T = ALERT_TOTALS.c


async def top_destinations(connection: AsyncConnection, since: date, top: int = 6) -> list[dict[str, Any]]:
    """Return the destinations of alerts from a UTC day on: `destination`, `hidden`, `total`, `devices`, `threat`."""
    return await _top(connection, since, top, (_T.destination, _T.hidden))


async def top_indicators(connection: AsyncConnection, since: date, top: int = 6) -> list[dict[str, Any]]:
    """Return the indicators that decided most: `threat_name`, `detection_source`, `total`, `devices`, `threat`."""
    return await _top(connection, since, top, (_T.threat_name, _T.detection_source))


async def _top(connection: AsyncConnection, since: date, top: int, by: tuple[Column[Any], ...]) -> list[dict[str, Any]]:
    total = func.sum(_T.count).label("total")
    wanted = select(*by, total, func.max(_T.threat_category).label("threat"))
    wanted = wanted.where(_T.day >= since.isoformat(), by[0] != "", _T.alerts > 0).group_by(*by)
    rows = (await connection.execute(wanted.order_by(total.desc(), by[0]).limit(top))).mappings().all()
    found = []
    for row in rows:
        same = [column == row[column.name] for column in by]
        devices = await connection.execute(_devices(select(_T.id).where(_T.day >= since.isoformat(), *same)))
        found.append({**row, "total": int(row["total"]), "devices": devices.scalar_one()})
    return found


def _devices(totals: Select[Any]) -> Select[Any]:
    """Count the devices of the alerts that count in some rows: an index alone tells."""
    return select(func.count(ALERTS.c.device_id.distinct())).where(ALERTS.c.total.in_(totals))


async def hits_of(connection: AsyncConnection, values: Sequence[str]) -> dict[str, RowMapping]:
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
