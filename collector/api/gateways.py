"""`POST /api/v1/gateways/status`: a gateway tells how it is; the console shows it."""

from __future__ import annotations

from aiohttp import web

from collector.gateway_status import read_status, to_row
from collector.store.gateways import keep_status
from collector.web.bodies import parsed
from collector.web.errors import Refused
from collector.web.parts import PARTS


async def post_status(request: web.Request) -> web.Response:
    """Keep the status and answer 204; 400 names the field that is wrong."""
    parts = request.app[PARTS]
    async with parts.intake.place():
        body = await parts.intake.read(request)
    try:
        status = read_status(parsed(body))
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"status: {error}") from None
    await keep_status(parts.database, status.gateway, to_row(status), parts.clock())
    parts.live.changed()
    return web.Response(status=204)
