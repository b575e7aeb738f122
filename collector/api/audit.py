"""`GET /api/v1/audit`: the audit log for programs, newest first, keyset pages by `below`."""

from __future__ import annotations

from aiohttp import web

from collector.audit.log import list_entries
from collector.resources import stamp
from collector.web.errors import Refused
from collector.web.paging import page_of
from collector.web.parts import PARTS


async def collection(request: web.Request) -> web.Response:
    """Answer entries; `who` and `what` narrow them down, `below` continues under a number."""
    top, below, query = page_of(request.query).top, request.query.get("below"), request.query
    if below is not None and not (below.isascii() and below.isdigit() and len(below) < 19):
        raise Refused(400, "below: expected the `seq` of an entry")
    narrowed = {"who": query.get("who", ""), "what": query.get("what", "")}
    rows = await request.app[PARTS].database.ask(
        lambda connection: list_entries(connection, top=top, below=int(below) if below else None, **narrowed)
    )
    keys = ("seq", "who", "what", "target", "detail")
    return web.json_response({"value": [{**{k: row[k] for k in keys}, "time": stamp(row["time"])} for row in rows]})
