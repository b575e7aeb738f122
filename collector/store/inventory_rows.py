"""Write devices and what they were seen with (addresses, listeners)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from datetime import datetime

from sqlalchemy import case, select
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.inventory import DeviceState, merge
from collector.store.database import Database, chunks
from collector.store.tables import DEVICE_TRAITS, DEVICES
from indicators.observation import Device

_COLUMNS = [DEVICES.c[part.name] for part in fields(DeviceState)]
ADDRESS = "address"
LISTENER = "listener"


async def keep_devices(
    database: Database, connection: AsyncConnection, states: Sequence[DeviceState], now: datetime
) -> None:
    """Merge what was told about devices into what is known."""
    told: dict[str, DeviceState] = {}
    for state in states:
        told[state.id] = merge(told[state.id], state) if state.id in told else state
    known: dict[str, DeviceState] = {}
    for part in chunks(sorted(told)):
        rows = await connection.execute(select(*_COLUMNS).where(DEVICES.c.id.in_(part)))
        known.update({row.id: DeviceState(*row) for row in rows})
    merged = [merge(known[id_], state) if id_ in known else state for id_, state in told.items()]
    await database.upsert(connection, DEVICES, [asdict(state) | {"received": now} for state in merged])


async def keep_traits(database: Database, connection: AsyncConnection, seen: Iterable[tuple[Device, datetime]]) -> None:
    """Widen the span in which each device was seen at an address and by a listener."""
    spans: dict[tuple[str, str, str], tuple[datetime, datetime]] = {}
    for device, when in seen:
        for kind, value in ((ADDRESS, device.address), (LISTENER, device.listener)):
            if value:
                first, last = spans.get((device.id, kind, value), (when, when))
                spans[device.id, kind, value] = (min(first, when), max(last, when))
    if not spans:
        return
    rows = [
        {"device_id": device, "kind": kind, "value": value, "first_seen": first, "last_seen": last}
        for (device, kind, value), (first, last) in spans.items()
    ]
    statement = database.insert(DEVICE_TRAITS)
    new, old = statement.excluded, DEVICE_TRAITS.c
    widened = {
        "first_seen": case((new.first_seen < old.first_seen, new.first_seen), else_=old.first_seen),
        "last_seen": case((new.last_seen > old.last_seen, new.last_seen), else_=old.last_seen),
    }
    keys = [column.name for column in DEVICE_TRAITS.primary_key]
    await connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=widened), rows)
