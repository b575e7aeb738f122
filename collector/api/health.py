"""`GET /healthz`: whether the collector works and its gateways are well, in words that give nothing away."""

from __future__ import annotations

from aiohttp import web

from collector.gateway_status import is_silent, read_status
from collector.store.gateways import list_gateways
from collector.web.parts import PARTS


async def get(request: web.Request) -> web.Response:
    """Answer 200 with `ok` or `degraded`; 503 (by the error form) when the database does not answer.

    Only counts leave here: no token is asked for, so no name, address or destination may be told.
    """
    parts = request.app[PARTS]
    now = parts.clock()
    rows = await parts.database.ask(list_gateways)
    told = [read_status(row["status"]) for row in rows if row["status"] and not is_silent(row["status_time"], now)]
    unwell = sum(not feed.is_well for status in told for feed in status.feeds)
    errors = sum(len(status.errors) for status in told)
    body = {
        "status": "degraded" if unwell or errors else "ok",
        "compiling": any(status.compiling for status in told),
        "gateways": len(told),
        "feeds": {"total": sum(len(status.feeds) for status in told), "unwell": unwell},
        "errors": errors,
    }
    return web.json_response(body)
