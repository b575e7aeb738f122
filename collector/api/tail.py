"""`GET /api/v1/tail`: incidents as they are kept, a JSON object a line, until the client goes away."""

from __future__ import annotations

import asyncio
import json

from aiohttp import web
from sqlalchemy import RowMapping, func, select

from collector.resources import incident_resource
from collector.store.database import Database
from collector.store.tables import EVENTS
from collector.web.doors import caller_of
from collector.web.errors import Refused
from collector.web.parts import PARTS

_MOST_BEFORE = 1000
_PAGE = 500
_BEAT = 15.0  # seconds after which an empty line shows that the stream lives


async def get(request: web.Request) -> web.StreamResponse:
    """Stream what comes, after the last `last` incidents; `follow=0` ends there. Empty lines are signs of life."""
    parts, last = request.app[PARTS], request.query.get("last", "0")
    if not (last.isascii() and last.isdigit() and int(last) <= _MOST_BEFORE):
        raise Refused(400, f"last: expected a whole number from 0 to {_MOST_BEFORE}")
    if parts.live.is_full:
        raise Refused(503, "too many open streams: close one", 30)
    stream = web.StreamResponse(headers={"Content-Type": "application/x-ndjson", "X-Accel-Buffering": "no"})
    with parts.live.watching() as watcher:
        place = await _begin(parts.database, int(last))
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


async def _begin(database: Database, last: int) -> int:
    """Return the number after which the stream begins."""
    async with database.read() as connection:
        if not last:
            return int((await connection.execute(select(func.max(EVENTS.c.seq)))).scalar() or 0)
        some = select(EVENTS.c.seq).order_by(EVENTS.c.seq.desc()).limit(last).subquery()
        return int((await connection.execute(select(func.min(some.c.seq)))).scalar() or 1) - 1


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
