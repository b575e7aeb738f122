"""How well devices are covered: `POST /api/v1/coverage` by gateways, `GET /api/machines/{id}/coverage` by people."""

from __future__ import annotations

from aiohttp import web

from collector.coverage import read_coverage
from collector.resources import coverage_resource
from collector.store.coverage import coverage_of, keep_coverage
from collector.web.bodies import parsed
from collector.web.errors import Refused
from collector.web.parts import PARTS


async def post(request: web.Request) -> web.Response:
    """Keep a gateway's report and answer 204; 400 names the field that is wrong."""
    parts = request.app[PARTS]
    async with parts.intake.place():
        body = await parts.intake.read(request)
    try:
        report = read_coverage(parsed(body))
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"coverage: {error}") from None
    await keep_coverage(parts.database, report, parts.clock())
    parts.live.changed()
    return web.Response(status=204)


async def single(request: web.Request) -> web.Response:
    """Answer what was last told of one device, or 404."""
    device = request.match_info["id"]
    row = await request.app[PARTS].database.ask(lambda connection: coverage_of(connection, device))
    if row is None:
        raise Refused(404, "no gateway has told how this device is covered")
    return web.json_response(coverage_resource(row))
