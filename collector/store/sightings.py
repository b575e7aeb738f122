"""Keep hashed sightings of allowed hosts, and find who met a hash. No name can be read out of what is kept here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.arrival import Arrival
from collector.store.bulk import Row, run_many
from collector.store.database import Database, chunks
from collector.store.machines import GROUP
from collector.store.policy_tables import DEVICE_GROUPS
from collector.store.sighting_tables import SIGHTINGS
from collector.store.tables import DEVICES
from indicators.event import EventKind

_DIGEST = re.compile(r"[0-9a-f]{16}")
_MOST_SUFFIXES = 16  # of one host; a gateway's names have fewer

type _Key = tuple[str, str, date]


@dataclass(frozen=True, slots=True)
class HashedSighting:
    """Hold how often and when one device was let through to what a hash stands for."""

    digest: str
    device_id: str
    group: str
    count: int
    days: int
    first: datetime
    last: datetime


async def keep_sightings(
    database: Database, connection: AsyncConnection, arrivals: Iterable[Arrival], now: datetime
) -> None:
    """Add sightings to those of their day; what is no keyed hash is not kept. The devices must be there."""
    rows: dict[_Key, Row] = {}
    for arrival in arrivals:
        if arrival.event.kind is EventKind.SIGHTING:
            for digest in digests_of(arrival.event.host):
                key = (digest, arrival.event.device.id, arrival.when.date())
                rows[key] = _joined(rows.get(key), key, arrival.event.count, arrival.when, now)
    if not rows:
        return
    statement = database.insert(SIGHTINGS)
    new, old = statement.excluded, SIGHTINGS.c
    changed = {
        "count": old.count + new.count,
        "first_seen": case((new.first_seen < old.first_seen, new.first_seen), else_=old.first_seen),
        "last_seen": case((new.last_seen > old.last_seen, new.last_seen), else_=old.last_seen),
        "received": new.received,
    }
    keys = [column.name for column in SIGHTINGS.primary_key]
    await run_many(connection, statement.on_conflict_do_update(index_elements=keys, set_=changed), list(rows.values()))


async def sightings_of(connection: AsyncConnection, digests: Sequence[str]) -> list[HashedSighting]:
    """Return who met any of some hashes, each device once for each hash."""
    found: list[HashedSighting] = []
    of = SIGHTINGS.join(DEVICES, DEVICES.c.id == SIGHTINGS.c.device_id).outerjoin(
        DEVICE_GROUPS, DEVICE_GROUPS.c.device_id == SIGHTINGS.c.device_id
    )
    by = (SIGHTINGS.c.digest, SIGHTINGS.c.device_id, GROUP.label("device_group"))
    when = SIGHTINGS.c.first_seen.type
    wanted = select(
        *by,
        func.sum(SIGHTINGS.c.count),
        func.count(),
        func.min(SIGHTINGS.c.first_seen, type_=when),
        func.max(SIGHTINGS.c.last_seen, type_=when),
    ).select_from(of)
    for part in chunks(digests):
        some = wanted.where(SIGHTINGS.c.digest.in_(part)).group_by(SIGHTINGS.c.digest, SIGHTINGS.c.device_id, GROUP)
        rows = await connection.execute(some.order_by(SIGHTINGS.c.digest, SIGHTINGS.c.device_id))
        found += [HashedSighting(row[0], row[1], row[2], int(row[3]), *row[4:]) for row in rows]
    return found


def digests_of(hashes: str) -> list[str]:
    """Return the hashes of a host's suffixes; what is none is left out.

    >>> digests_of("0123456789abcdef.evil.example")
    ['0123456789abcdef']
    """
    return [part for part in dict.fromkeys(hashes.split(".")) if _DIGEST.fullmatch(part)][:_MOST_SUFFIXES]


def _joined(known: Row | None, key: _Key, count: int, when: datetime, now: datetime) -> Row:
    if known is not None:
        first, last = min(known["first_seen"], when), max(known["last_seen"], when)
        return known | {"count": known["count"] + count, "first_seen": first, "last_seen": last}
    digest, device, day = key
    when_seen = {"first_seen": when, "last_seen": when, "received": now}
    return {"digest": digest, "device_id": device, "day": day, "count": count, **when_seen}
