"""Keep signs of a jailbreak, and read what they hint at. What a sign is worth is decided in `collector.jailbreak`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache

from sqlalchemy import case, select
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.arrival import Arrival
from collector.jailbreak import JailbreakHint, SeenSign, hints_of
from collector.store.bulk import Row, run_many
from collector.store.database import Database
from collector.store.sign_tables import JAILBREAK_SIGNS
from indicators.device_signs import MAX_VALUE, Sign, SignKind, shipped_signs

_KINDS = frozenset(kind for kind in SignKind if kind.startswith("jailbreak"))

type _Key = tuple[str, str, str]


async def keep_signs(database: Database, connection: AsyncConnection, arrivals: Iterable[Arrival]) -> None:
    """Add signs to those that are known of a device; the devices must be there."""
    rows: dict[_Key, Row] = {}
    for arrival in arrivals:
        for kind, store, count in _told(arrival):
            key = (arrival.event.device.id, str(kind), store[:MAX_VALUE])
            rows[key] = _joined(rows.get(key), key, count, arrival.when)
    if not rows:
        return
    statement = database.insert(JAILBREAK_SIGNS)
    new, old = statement.excluded, JAILBREAK_SIGNS.c
    changed = {
        "count": old.count + new.count,
        "first_seen": case((new.first_seen < old.first_seen, new.first_seen), else_=old.first_seen),
        "last_seen": case((new.last_seen > old.last_seen, new.last_seen), else_=old.last_seen),
    }
    keys = [column.name for column in JAILBREAK_SIGNS.primary_key]
    await run_many(connection, statement.on_conflict_do_update(index_elements=keys, set_=changed), list(rows.values()))


async def jailbreak_hints(connection: AsyncConnection, device: str) -> list[JailbreakHint]:
    """Return what a device's signs hint at."""
    rows = await connection.execute(select(JAILBREAK_SIGNS).where(JAILBREAK_SIGNS.c.device_id == device))
    return hints_of(
        SeenSign(SignKind(row["kind"]), row["store"], row["count"], row["first_seen"], row["last_seen"])
        for row in rows.mappings()
        if row["kind"] in _KINDS
    )


def _told(arrival: Arrival) -> Iterator[tuple[SignKind, str, int]]:
    """Yield what an event tells: its signs, and what its user agent says."""
    for sign in arrival.event.signs:
        if sign.kind in _KINDS:
            yield sign.kind, sign.value, sign.count
    if arrival.event.user_agent and (agent := _of_agent(arrival.event.user_agent)):
        yield agent.kind, agent.value, 1


@lru_cache(maxsize=4096)  # the same few agents come again and again, on the way of every event
def _of_agent(user_agent: str) -> Sign | None:
    return shipped_signs().of_agent(user_agent)


def _joined(known: Row | None, key: _Key, count: int, when: datetime) -> Row:
    if known is not None:
        first, last = min(known["first_seen"], when), max(known["last_seen"], when)
        return known | {"count": known["count"] + count, "first_seen": first, "last_seen": last}
    device, kind, store = key
    return {"device_id": device, "kind": kind, "store": store, "count": count, "first_seen": when, "last_seen": when}
