"""`GET /api/v1/policy?after=…`: the ordered stream to one gateway, as a long poll.

What a gateway has in force is what it asks from: asking for what follows a number acknowledges all up to it.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from aiohttp import web
from sqlalchemy import RowMapping

from collector.store.policy_stream import Excerpt, Kind, acknowledge, excerpt
from collector.web.errors import Refused
from collector.web.parts import CALLER, PARTS, Parts

LONGEST_WAIT = 50.0  # seconds
_USUAL_WAIT = 25.0
_MOST = 2**62
_LOOK_ANYWAY = 1.0  # seconds: another process of ours may have written to the same database
_BETWEEN = 0.1  # seconds between two looks: events come by the thousand


async def get(request: web.Request) -> web.Response:
    """Answer what follows `after`, at once where there is something, else when there is or the wait is over.

    `stream` names the stream that `after` counts in; where it is another, or too old, the answer says `reset` and
    begins anew. `last` is what to ask from next; `more` says that the rest waits already.
    """
    parts = request.app[PARTS]
    after = _number(request, "after", 0, _MOST)
    wait = float(_number(request, "wait", int(_USUAL_WAIT), int(LONGEST_WAIT)))
    stream = request.query.get("stream", "")
    gateway = request.query.get("gateway") or request[CALLER].name
    found = await _next(parts, after, stream, wait)
    if not found.reset:
        await acknowledge(parts.database, gateway[:128], after, parts.clock())
    return web.json_response(
        {
            "stream": found.stream,
            "reset": found.reset,
            "last": found.last,
            "more": found.more,
            "changes": [_written(row) for row in found.changes if _concerns(row, gateway)],
        }
    )


async def _next(parts: Parts, after: int, stream: str, wait: float) -> Excerpt:
    """Look, and look again at each change of anything, until there is something to tell or the time is up."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + wait
    with parts.live.watching(program=True) as changed:
        while True:
            changed.clear()
            found = await parts.database.ask(lambda connection: excerpt(connection, after, stream))
            left = deadline - clock()
            if found.changes or found.reset or left <= 0 or parts.live.closed:
                return found
            await _change(changed, left)


async def _change(changed: asyncio.Event, left: float) -> None:
    """Wait for a change, not longer than until the next look, and not for a shorter time than between two looks."""
    with suppress(TimeoutError):
        async with asyncio.timeout(min(left, _LOOK_ANYWAY)):
            await changed.wait()
            await asyncio.sleep(_BETWEEN)


def _concerns(row: RowMapping, gateway: str) -> bool:
    """Say whether a gateway needs to know: an instruction to another one names devices that are none of its own."""
    return row["kind"] != Kind.UNPIN or row["body"] is None or row["body"]["gateway"] == gateway


def _written(row: RowMapping) -> dict[str, object]:
    return {"seq": row["seq"], "kind": row["kind"], "key": row["key"], "body": row["body"]}


def _number(request: web.Request, name: str, default: int, most: int) -> int:
    text = request.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= most):
        raise Refused(400, f"{name}: expected a whole number from 0 to {most}, got {text!r:.40}")
    return int(text)
