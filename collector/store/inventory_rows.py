"""Write devices and what they were seen with (addresses, listeners)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any

from sqlalchemy import case, select
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.inventory import DeviceState, Telling, merge
from collector.store.bulk import among, run_many
from collector.store.database import Database, Insert
from collector.store.tables import DEVICE_TRAITS, DEVICES

_NAMES = tuple(part.name for part in fields(DeviceState))
_FIELDS = attrgetter(*_NAMES)
_COLUMNS = [DEVICES.c[name] for name in _NAMES]
ADDRESS = "address"
LISTENER = "listener"


async def keep_devices(
    database: Database, connection: AsyncConnection, states: Sequence[DeviceState], now: datetime
) -> None:
    """Merge what was told about devices into what is known."""
    told: defaultdict[str, list[DeviceState]] = defaultdict(list)
    for state in states:
        told[state.id].append(state)
    for row in await connection.execute(select(*_COLUMNS).where(among(connection, DEVICES.c.id, told))):
        told[row.id].append(DeviceState(*row))
    merged = [merge(*about) for about in told.values()]
    await database.upsert(connection, DEVICES, [_values(state) | {"received": now} for state in merged])


async def keep_traits(database: Database, connection: AsyncConnection, told: Iterable[Telling]) -> None:
    """Widen the span in which each device was seen at an address and by a listener."""
    spans: dict[tuple[str, str, str], tuple[datetime, datetime]] = {}
    for one in told:
        for kind, value in ((ADDRESS, one.device.address), (LISTENER, one.device.listener)):
            if value:
                first, last = spans.get((one.device.id, kind, value), (one.first, one.last))
                spans[one.device.id, kind, value] = (min(first, one.first), max(last, one.last))
    if not spans:
        return
    rows = [
        {"device_id": device, "kind": kind, "value": value, "first_seen": first, "last_seen": last}
        for (device, kind, value), (first, last) in spans.items()
    ]
    await run_many(connection, _widened(database.insert(DEVICE_TRAITS)), rows)


@lru_cache(maxsize=2)  # made once for each database: what it is compiled to is kept
def _widened(statement: Insert) -> Insert:
    new, old = statement.excluded, DEVICE_TRAITS.c
    widened = {
        "first_seen": case((new.first_seen < old.first_seen, new.first_seen), else_=old.first_seen),
        "last_seen": case((new.last_seen > old.last_seen, new.last_seen), else_=old.last_seen),
    }
    keys = [column.name for column in DEVICE_TRAITS.primary_key]
    return statement.on_conflict_do_update(index_elements=keys, set_=widened)


def _values(state: DeviceState) -> dict[str, Any]:
    """Return the fields by name, uncopied."""
    return dict(zip(_NAMES, _FIELDS(state), strict=True))
