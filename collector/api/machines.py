"""`GET /api/machines` and `/api/machines/{id}`, in Defender's form."""

from __future__ import annotations

from aiohttp import web

from collector.api.collections import answer
from collector.resources import machine_resource
from collector.store.machines import find_machine, list_machines
from collector.web.errors import Refused
from collector.web.paging import page_of
from collector.web.parts import PARTS


async def collection(request: web.Request) -> web.Response:
    """Answer a page of devices, the one seen last first."""
    parts = request.app[PARTS]
    page = page_of(request.query)
    async with parts.database.read() as connection:
        records = await list_machines(connection, top=page.top, skip=page.skip)
    return answer(request, page, [machine_resource(record, parts.clock()) for record in records])


async def single(request: web.Request) -> web.Response:
    """Answer one device, or 404."""
    parts = request.app[PARTS]
    async with parts.database.read() as connection:
        record = await find_machine(connection, request.match_info["id"])
    if record is None:
        raise Refused(404, "no device has this id")
    return web.json_response(machine_resource(record, parts.clock()))
