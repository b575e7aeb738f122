"""The ordered stream to the gateways: what they are told, each change once, the latest of every key.

A change is written in the transaction of what it tells of. Numbers rise in the order of commits, because writers queue
(`Database.write`), so a reader that has seen one number has seen all before it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import RowMapping, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store.bulk import among, run_many
from collector.store.database import Database
from collector.store.policy_tables import FOLLOWERS, POLICY_CHANGES, POLICY_STREAM

PAGE = 1000  # changes in one answer
TOMBSTONE_LIFE = timedelta(days=30)  # a gateway that was away for longer is told everything anew


class Kind(StrEnum):
    """Name what a change speaks of; its key is an indicator's number, a request's id, or a device's id.

    UNPIN is no state but an instruction to one gateway (`collector.store.pin_clearing`).
    """

    INDICATOR = "indicator"
    APPROVAL = "approval"
    RISK = "risk"
    GROUP = "group"
    UNPIN = "unpin"


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Hold a part of the stream. `reset` says that the reader must forget all it was told before."""

    stream: str
    changes: list[RowMapping]
    last: int
    reset: bool
    more: bool


async def tell(
    connection: AsyncConnection, kind: Kind, key: str, body: Mapping[str, Any] | None, now: datetime
) -> None:
    """Put a change into the stream in place of what was told of this key; a body of nothing takes that back."""
    await tell_all(connection, kind, {key: body}, now)


async def tell_all(
    connection: AsyncConnection, kind: Kind, bodies: Mapping[str, Mapping[str, Any] | None], now: datetime
) -> None:
    """Put a change of each key into the stream, in order, as `tell` does, by three statements however many they are."""
    if not bodies:
        return
    last = (await connection.execute(select(func.max(POLICY_CHANGES.c.seq)))).scalar() or 0
    rows = [
        {"kind": str(kind), "key": key, "body": None if body is None else dict(body), "time": now}
        for key, body in bodies.items()
    ]
    await run_many(connection, insert(POLICY_CHANGES), rows)
    earlier = (POLICY_CHANGES.c.kind == kind) & (POLICY_CHANGES.c.seq <= last)
    await connection.execute(delete(POLICY_CHANGES).where(earlier, among(connection, POLICY_CHANGES.c.key, bodies)))


async def excerpt(connection: AsyncConnection, after: int, stream: str, limit: int = PAGE) -> Excerpt:
    """Return what was told after a number.

    A reader of another stream (the database was replaced), from before the floor, or from a future that this database
    does not know, is told everything from the start.
    """
    own = (await connection.execute(select(POLICY_STREAM))).mappings().first()
    name, floor = (own["id"], own["floor"]) if own else ("", 0)
    last = (await connection.execute(select(func.max(POLICY_CHANGES.c.seq)))).scalar() or 0
    reset = stream != name or (after != 0 and not floor <= after <= last)
    start = 0 if reset else after
    wanted = select(POLICY_CHANGES).where(POLICY_CHANGES.c.seq > start).order_by(POLICY_CHANGES.c.seq).limit(limit + 1)
    rows = list((await connection.execute(wanted)).mappings())
    shown = rows[:limit]
    return Excerpt(name, shown, shown[-1]["seq"] if shown else start, reset, len(rows) > limit)


async def begin_stream(database: Database) -> None:
    """Name the stream, once for each database."""
    async with database.write() as connection:
        if (await connection.execute(select(POLICY_STREAM.c.id))).first() is None:
            await connection.execute(insert(POLICY_STREAM).values(id=secrets.token_hex(16), floor=0))


async def acknowledge(database: Database, gateway: str, number: int, now: datetime) -> None:
    """Note how much of the stream a gateway has in force."""
    async with database.write() as connection:
        await database.upsert(connection, FOLLOWERS, [{"gateway": gateway, "acknowledged": number, "time": now}])


async def forget_tombstones(database: Database, now: datetime) -> int:
    """Remove what was taken back or asked for long ago, and remember up to where; return how many rows went.

    The last row stays, so that the highest number told is always known.
    """
    async with database.write() as connection:
        highest = select(func.max(POLICY_CHANGES.c.seq)).scalar_subquery()
        done = POLICY_CHANGES.c.body.is_(None) | (POLICY_CHANGES.c.kind == Kind.UNPIN)
        old = done & (POLICY_CHANGES.c.time < now - TOMBSTONE_LIFE)
        gone = delete(POLICY_CHANGES).where(old, POLICY_CHANGES.c.seq < highest).returning(POLICY_CHANGES.c.seq)
        numbers = list((await connection.execute(gone)).scalars())
        if numbers:
            raised = update(POLICY_STREAM).values(floor=max(numbers))
            await connection.execute(raised.where(POLICY_STREAM.c.floor < max(numbers)))
    return len(numbers)


async def list_followers(connection: AsyncConnection) -> list[RowMapping]:
    """Return what each gateway has in force."""
    return list((await connection.execute(select(FOLLOWERS).order_by(FOLLOWERS.c.gateway))).mappings())
