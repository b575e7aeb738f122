"""Server-sent events: tell open pages that something changed, so that they fetch themselves again."""

from __future__ import annotations

import asyncio

from aiohttp import web

from collector.web.doors import caller_of
from collector.web.errors import Refused
from collector.web.parts import PARTS

_PAUSE = 1.0  # seconds between two messages at least: a flood of events is one redraw a second
_BEAT = 20.0  # seconds after which a silent stream shows that it lives


async def changes(request: web.Request) -> web.StreamResponse:
    """Send `change` after each committed change, at most once a second, until the session or the collector ends."""
    live = request.app[PARTS].live
    if live.is_full:
        raise Refused(503, "too many open consoles: close one", 30)
    stream = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
    await stream.prepare(request)
    with live.watching() as watcher:
        try:
            await stream.write(b"retry: 2000\nevent: hello\ndata:\n\n")
            while not live.closed:
                await stream.write(await _next(watcher))
                if await caller_of(request) is None:
                    break
                await asyncio.sleep(_PAUSE)
        except ConnectionError:
            pass  # the page was closed
    return stream


async def _next(watcher: asyncio.Event) -> bytes:
    try:
        async with asyncio.timeout(_BEAT):
            await watcher.wait()
    except TimeoutError:
        return b": alive\n\n"
    watcher.clear()
    return b"event: change\ndata:\n\n"
