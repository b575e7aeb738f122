"""`GET /api/alerts` and `/api/alerts/{id}`, in Defender's form."""

from __future__ import annotations

from aiohttp import web

from collector.api.collections import answer
from collector.resources import alert_resource
from collector.store.alerts import find_alert, list_alerts, with_evidence
from collector.web.errors import Refused
from collector.web.paging import page_of
from collector.web.parts import PARTS


async def collection(request: web.Request) -> web.Response:
    """Answer a page of alerts, the one that was active last first."""
    page = page_of(request.query)
    async with request.app[PARTS].database.read() as connection:
        rows = await list_alerts(connection, top=page.top, skip=page.skip)
        records = await with_evidence(connection, rows)
    return answer(request, page, [alert_resource(record) for record in records])


async def single(request: web.Request) -> web.Response:
    """Answer one alert, or 404."""
    async with request.app[PARTS].database.read() as connection:
        record = await find_alert(connection, request.match_info["id"])
    if record is None:
        raise Refused(404, "no alert has this id")
    return web.json_response(alert_resource(record))
