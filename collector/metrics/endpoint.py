"""`GET /metrics`: the collector's numbers, for a token that may read them."""

from __future__ import annotations

from aiohttp import web

from collector.metrics.exposition import CONTENT_TYPE, count, render
from collector.web.parts import PARTS


async def get(request: web.Request) -> web.Response:
    """Answer in Prometheus' text format."""
    parts = request.app[PARTS]
    counted = await count(parts.database, parts.settings.outputs, parts.clock(), parts.live.watchers)
    return web.Response(body=render(counted), headers={"Content-Type": CONTENT_TYPE})
