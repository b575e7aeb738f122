"""`GET /api/v1/tail`: incidents as they are kept, a JSON object a line, until the client goes away."""

from __future__ import annotations

import asyncio
import json

from aiohttp import web
from sqlalchemy import RowMapping, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.resources import incident_resource
from collector.store.database import Database
from collector.store.tables import EVENTS
from collector.web.doors import caller_of
from collector.web.errors import Refused
from collector.web.parts import PARTS

_MOST_BEFORE = 1000
_PAGE = 500
_BEAT = 15.0  # seconds after which an empty line shows that the stream lives
AFTER = "Seawall-After"  # header: id of the event after which the stream begins; empty where that is the first
_LONGEST_ID = 64


async def get(request: web.Request) -> web.StreamResponse:
    """Stream what comes, after the last `last` incidents; `follow=0` ends there. Empty lines are signs of life.

    With `after`, an incident's id or what the header `Seawall-After` told, the stream goes on where an earlier one was
    cut off; where that incident is not kept any more, `last` says where to begin.
    """
    parts, last, after = request.app[PARTS], request.query.get("last", "0"), request.query.get("after")
    if not (last.isascii() and last.isdigit() and int(last) <= _MOST_BEFORE):
        raise Refused(400, f"last: expected a whole number from 0 to {_MOST_BEFORE}")
    if after is not None and len(after) > _LONGEST_ID:
        raise Refused(400, f"after: expected an incident's id, at most {_LONGEST_ID} characters")
    if parts.live.is_full:
        raise Refused(503, "too many open streams: close one", 30)
    stream = web.StreamResponse(headers={"Content-Type": "application/x-ndjson", "X-Accel-Buffering": "no"})
    with parts.live.watching() as watcher:
        place, stream.headers[AFTER] = await _begin(parts.database, int(last), after)
        await stream.prepare(request)
        try:
            while not parts.live.closed and await caller_of(request) is not None:
                watcher.clear()
                place = await _send(stream, parts.database, place)
                if request.query.get("follow") == "0":
                    break
                await _wait(stream, watcher)
        except ConnectionError:
            pass  # the client went away
    return stream


async def _begin(database: Database, last: int, after: str | None) -> tuple[int, str]:
    """Return number and id of the event after which the stream begins."""
    async with database.read() as connection:
        place = 0 if after == "" else await _number(connection, select(EVENTS.c.seq).where(EVENTS.c.id == after))
        if place is None:
            newest = select(EVENTS.c.seq).order_by(EVENTS.c.seq.desc())
            place = await _number(connection, newest.offset(last).limit(1)) or 0
        known = await connection.execute(select(EVENTS.c.id).where(EVENTS.c.seq == place))
        return place, str(known.scalar() or "")


async def _number(connection: AsyncConnection, wanted: Select[int]) -> int | None:
    found: int | None = (await connection.execute(wanted)).scalar()
    return found


async def _send(stream: web.StreamResponse, database: Database, place: int) -> int:
    while rows := await _after(database, place):
        lines = (json.dumps(incident_resource(row), separators=(",", ":")) for row in rows)
        await stream.write("".join(f"{line}\n" for line in lines).encode())
        place = int(rows[-1]["seq"])
    return place


async def _after(database: Database, place: int) -> list[RowMapping]:
    wanted = select(EVENTS).where(EVENTS.c.seq > place).order_by(EVENTS.c.seq).limit(_PAGE)
    async with database.read() as connection:
        return list((await connection.execute(wanted)).mappings())


async def _wait(stream: web.StreamResponse, watcher: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(_BEAT):
            await watcher.wait()
    except TimeoutError:
        await stream.write(b"\n")
