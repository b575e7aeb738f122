"""Read alerts with the incidents and comments that belong to them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Column, ColumnElement, RowMapping, Select, func, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.visitors import iterate

from collector.store.database import chunks
from collector.store.policy_tables import DEVICE_GROUPS
from collector.store.tables import ALERTS, COMMENTS, DEVICES, EVENTS
from collector.store.total_tables import OPEN_ALERTS

MOST_INCIDENTS = 50  # shown of one alert, newest first
NEWEST_FIRST: tuple[ColumnElement[object], ...] = (ALERTS.c.last_event.desc(), ALERTS.c.seq.desc())
GROUP: ColumnElement[str] = func.coalesce(DEVICE_GROUPS.c.name, DEVICES.c.device_group)
_JOINED = ALERTS.outerjoin(DEVICES, DEVICES.c.id == ALERTS.c.device_id).outerjoin(
    DEVICE_GROUPS, DEVICE_GROUPS.c.device_id == ALERTS.c.device_id
)
_COLUMNS = (*ALERTS.c, DEVICES.c.name.label("device_name"), GROUP.label("device_group"))


@dataclass(frozen=True, slots=True)
class AlertRecord:
    """Hold one alert's row (with `device_name` and `device_group`), its newest incidents and its comments."""

    row: RowMapping
    incidents: list[RowMapping] = field(default_factory=list)
    comments: list[RowMapping] = field(default_factory=list)


async def list_alerts(
    connection: AsyncConnection,
    where: Sequence[ColumnElement[bool]] = (),
    order: Sequence[ColumnElement[object]] = NEWEST_FIRST,
    top: int = 100,
    skip: int = 0,
) -> list[RowMapping]:
    """Return alert rows with their device's name, newest first unless `order` says otherwise.

    Which rows is found first, by an index where there is one: what is passed over is not read.
    """
    found = _found(where, order).limit(top).offset(skip)
    wanted = select(*_COLUMNS).select_from(_JOINED).where(ALERTS.c.seq.in_(found)).order_by(*order)
    return list((await connection.execute(wanted)).mappings())


def _found(where: Sequence[ColumnElement[bool]], order: Sequence[ColumnElement[object]]) -> Select[tuple[int]]:
    """Find rows; without their devices where nothing asks for these, so that an index alone can tell."""
    named = (part for clause in (*where, *order) for part in iterate(cast("Any", clause)) if isinstance(part, Column))
    source = _JOINED if any(column.table in (DEVICES, DEVICE_GROUPS) for column in named) else ALERTS
    return select(ALERTS.c.seq).select_from(source).where(*where).order_by(*order)


async def list_cells(
    connection: AsyncConnection, names: Sequence[str], where: Sequence[ColumnElement[bool]], top: int
) -> Sequence[Sequence[Any]]:
    """Return `last_event` and `seq` (where the next piece begins), then the named columns alone, newest first."""
    columns = [DEVICES.c.name if name == "device_name" else ALERTS.c[name] for name in names]
    found = _found(where, NEWEST_FIRST).limit(top)
    wanted = select(ALERTS.c.last_event, ALERTS.c.seq, *columns).select_from(_JOINED).where(ALERTS.c.seq.in_(found))
    return (await connection.execute(wanted.order_by(*NEWEST_FIRST))).all()


def before(last_event: datetime, seq: int) -> ColumnElement[bool]:
    """Return the condition for what follows a row, newest first: as fast on page 1,000 as on the first."""
    return tuple_(ALERTS.c.last_event, ALERTS.c.seq) < tuple_(
        literal(last_event, ALERTS.c.last_event.type), literal(seq)
    )


async def window_end(
    connection: AsyncConnection, place: tuple[datetime, int] | None, size: int
) -> tuple[datetime, int] | None:
    """Return the last of the next `size` alerts, newest first, after a place; nothing where fewer are left."""
    wanted = select(ALERTS.c.last_event, ALERTS.c.seq).order_by(*NEWEST_FIRST).limit(1).offset(size - 1)
    row = (await connection.execute(wanted.where(before(*place)) if place else wanted)).first()
    return (row.last_event, row.seq) if row else None


async def with_evidence(connection: AsyncConnection, rows: Sequence[RowMapping]) -> list[AlertRecord]:
    """Add incidents and comments to alert rows."""
    ids = [row["id"] for row in rows]
    incidents = await _incidents(connection, ids)
    comments = await _comments(connection, ids)
    return [AlertRecord(row, incidents[row["id"]], comments[row["id"]]) for row in rows]


async def find_alert(connection: AsyncConnection, alert_id: str) -> AlertRecord | None:
    """Return one alert, or nothing."""
    rows = await list_alerts(connection, [ALERTS.c.id == alert_id], top=1)
    return (await with_evidence(connection, rows))[0] if rows else None


async def count_alerts(connection: AsyncConnection, *where: ColumnElement[bool]) -> int:
    """Count alerts."""
    wanted = select(func.count()).select_from(_JOINED if where else ALERTS).where(*where)
    return int((await connection.execute(wanted)).scalar_one())


async def count_open(connection: AsyncConnection) -> int:
    """Count the alerts that nobody has resolved."""
    wanted = select(func.coalesce(func.sum(OPEN_ALERTS.c.alerts), 0))
    return int((await connection.execute(wanted)).scalar_one())


async def _incidents(connection: AsyncConnection, ids: Sequence[str]) -> defaultdict[str, list[RowMapping]]:
    found: defaultdict[str, list[RowMapping]] = defaultdict(list)
    place = func.row_number().over(partition_by=EVENTS.c.alert_id, order_by=EVENTS.c.seq.desc()).label("place")
    for part in chunks(ids):
        numbered = select(EVENTS.c.seq, place).where(EVENTS.c.alert_id.in_(part)).subquery()
        newest = select(numbered.c.seq).where(numbered.c.place <= MOST_INCIDENTS)
        wanted = select(EVENTS).where(EVENTS.c.seq.in_(newest)).order_by(EVENTS.c.seq.desc())
        for row in (await connection.execute(wanted)).mappings():
            found[row["alert_id"]].append(row)
    return found


async def _comments(connection: AsyncConnection, ids: Sequence[str]) -> defaultdict[str, list[RowMapping]]:
    found: defaultdict[str, list[RowMapping]] = defaultdict(list)
    for part in chunks(ids):
        wanted = select(COMMENTS).where(COMMENTS.c.alert_id.in_(part)).order_by(COMMENTS.c.seq)
        for row in (await connection.execute(wanted)).mappings():
            found[row["alert_id"]].append(row)
    return found
