"""Read devices with what they were seen with, their tags, and how severe their open alerts are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import BigInteger, ColumnElement, RowMapping, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store.database import chunks
from collector.store.policy_tables import DEVICE_GROUPS, DEVICE_TAGS, POSTURES
from collector.store.tables import DEVICE_TRAITS, DEVICES
from collector.store.total_tables import OPEN_ALERTS
from indicators.words import Severity

LAST_SEEN: tuple[ColumnElement[object], ...] = (DEVICES.c.last_seen.desc(), DEVICES.c.id)
_OF_DEVICE = (OPEN_ALERTS.c.device_id == DEVICES.c.id, OPEN_ALERTS.c.alerts > 0)
_ALERTS = func.coalesce(func.sum(OPEN_ALERTS.c.alerts), 0)
_COUNT = select(cast(_ALERTS, BigInteger)).where(*_OF_DEVICE).correlate(DEVICES).scalar_subquery()
GROUP: ColumnElement[str] = func.coalesce(DEVICE_GROUPS.c.name, DEVICES.c.device_group)
WORST: ColumnElement[Severity | None] = (
    select(func.max(OPEN_ALERTS.c.severity, type_=OPEN_ALERTS.c.severity.type))
    .where(*_OF_DEVICE)
    .correlate(DEVICES)
    .scalar_subquery()
)
_JOINED = DEVICES.outerjoin(DEVICE_GROUPS, DEVICE_GROUPS.c.device_id == DEVICES.c.id).outerjoin(
    POSTURES, POSTURES.c.device_id == DEVICES.c.id
)
_COLUMNS = (
    *(column for column in DEVICES.c if column.name != "device_group"),
    GROUP.label("device_group"),
    WORST.label("worst"),
    _COUNT.label("open_alerts"),
    POSTURES.c.issuer.label("posture_issuer"),
    POSTURES.c.issued.label("posture_issued"),
    POSTURES.c.compromised,
    POSTURES.c.os_platform.label("posture_platform"),
    POSTURES.c.os_version.label("posture_version"),
    POSTURES.c.patch_level,
)


@dataclass(frozen=True, slots=True)
class MachineRecord:
    """Hold one device's row (with `worst` severity and number of `open_alerts`), its traits, latest first, and tags."""

    row: RowMapping
    traits: list[RowMapping] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)


async def list_machines(
    connection: AsyncConnection,
    where: Sequence[ColumnElement[bool]] = (),
    order: Sequence[ColumnElement[object]] = LAST_SEEN,
    top: int = 100,
    skip: int = 0,
) -> list[MachineRecord]:
    """Return devices, the one seen last first unless `order` says otherwise."""
    wanted = select(*_COLUMNS).select_from(_JOINED).where(*where).order_by(*order).limit(top).offset(skip)
    rows = list((await connection.execute(wanted)).mappings())
    ids = [row["id"] for row in rows]
    traits, tags = await _traits(connection, ids), await _tags(connection, ids)
    return [MachineRecord(row, traits[row["id"]], tags[row["id"]]) for row in rows]


async def find_machine(connection: AsyncConnection, device_id: str) -> MachineRecord | None:
    """Return one device, or nothing."""
    found = await list_machines(connection, [DEVICES.c.id == device_id], top=1)
    return found[0] if found else None


async def count_machines(connection: AsyncConnection, *where: ColumnElement[bool]) -> int:
    """Count devices."""
    wanted = select(func.count()).select_from(_JOINED if where else DEVICES).where(*where)
    return int((await connection.execute(wanted)).scalar_one())


async def list_names(connection: AsyncConnection, top: int) -> list[RowMapping]:
    """Return `id` and `name` of the devices seen last, to choose one from."""
    wanted = select(DEVICES.c.id, DEVICES.c.name).order_by(*LAST_SEEN).limit(top)
    return list((await connection.execute(wanted)).mappings())


async def _traits(connection: AsyncConnection, ids: Sequence[str]) -> defaultdict[str, list[RowMapping]]:
    found: defaultdict[str, list[RowMapping]] = defaultdict(list)
    traits = DEVICE_TRAITS.c
    for part in chunks(ids):
        wanted = select(DEVICE_TRAITS).where(traits.device_id.in_(part))
        wanted = wanted.order_by(traits.last_seen.desc(), traits.kind, traits.value)
        for row in (await connection.execute(wanted)).mappings():
            found[row["device_id"]].append(row)
    return found


async def _tags(connection: AsyncConnection, ids: Sequence[str]) -> defaultdict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for part in chunks(ids):
        wanted = select(DEVICE_TAGS).where(DEVICE_TAGS.c.device_id.in_(part)).order_by(DEVICE_TAGS.c.tag)
        for row in await connection.execute(wanted):
            found[row.device_id].append(row.tag)
    return found
