"""Read devices with what they were seen with and how severe their open alerts are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, RowMapping, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store.database import chunks
from collector.store.tables import ALERTS, DEVICE_TRAITS, DEVICES

_LAST_SEEN: tuple[ColumnElement[object], ...] = (DEVICES.c.last_seen.desc(), DEVICES.c.id)
_OPEN = (
    select(
        ALERTS.c.device_id,
        func.max(ALERTS.c.severity, type_=ALERTS.c.severity.type).label("worst"),
        func.count().label("open_alerts"),
    )
    .where(ALERTS.c.status != "Resolved")
    .group_by(ALERTS.c.device_id)
    .subquery()
)
_JOINED = DEVICES.outerjoin(_OPEN, _OPEN.c.device_id == DEVICES.c.id)


@dataclass(frozen=True, slots=True)
class MachineRecord:
    """Hold one device's row (with `worst` severity and number of `open_alerts`) and its traits, latest first."""

    row: RowMapping
    traits: list[RowMapping] = field(default_factory=list)


async def list_machines(
    connection: AsyncConnection,
    where: Sequence[ColumnElement[bool]] = (),
    order: Sequence[ColumnElement[object]] = _LAST_SEEN,
    top: int = 100,
    skip: int = 0,
) -> list[MachineRecord]:
    """Return devices, the one seen last first unless `order` says otherwise."""
    columns = (*DEVICES.c, _OPEN.c.worst, func.coalesce(_OPEN.c.open_alerts, 0).label("open_alerts"))
    wanted = select(*columns).select_from(_JOINED).where(*where).order_by(*order).limit(top).offset(skip)
    rows = list((await connection.execute(wanted)).mappings())
    traits = await _traits(connection, [row["id"] for row in rows])
    return [MachineRecord(row, traits[row["id"]]) for row in rows]


async def find_machine(connection: AsyncConnection, device_id: str) -> MachineRecord | None:
    """Return one device, or nothing."""
    found = await list_machines(connection, [DEVICES.c.id == device_id], top=1)
    return found[0] if found else None


async def count_machines(connection: AsyncConnection, *where: ColumnElement[bool]) -> int:
    """Count devices."""
    wanted = select(func.count()).select_from(DEVICES).where(*where)
    return int((await connection.execute(wanted)).scalar_one())


async def _traits(connection: AsyncConnection, ids: Sequence[str]) -> defaultdict[str, list[RowMapping]]:
    found: defaultdict[str, list[RowMapping]] = defaultdict(list)
    traits = DEVICE_TRAITS.c
    for part in chunks(ids):
        wanted = select(DEVICE_TRAITS).where(traits.device_id.in_(part))
        wanted = wanted.order_by(traits.last_seen.desc(), traits.kind, traits.value)
        for row in (await connection.execute(wanted)).mappings():
            found[row["device_id"]].append(row)
    return found
