"""The page of access requests: what people ask to be let through to, to be approved for a while or denied."""

from __future__ import annotations

from datetime import datetime, timedelta

from aiohttp import web
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.console.forms import back_to
from collector.console.gateway_views import gateway_names
from collector.console.rendering import page
from collector.resources import access_request_resource
from collector.store.access_requests import PENDING, DecidedError, Decision, decide, list_requests
from collector.web.errors import Refused
from collector.web.forms import field, form_of
from collector.web.parts import CALLER, PARTS

_LIVES = {"1": timedelta(hours=1), "8": timedelta(hours=8), "24": timedelta(days=1), "168": timedelta(days=7)}


async def listed(request: web.Request) -> web.Response:
    """Show what waits for an answer, then what was answered."""
    parts = request.app[PARTS]
    now = parts.clock()
    rows, names = await parts.database.ask(lambda connection: _told(connection, now))
    shown = [access_request_resource(row, now) for row in rows]
    pending = [one for one in shown if one["status"] == PENDING]
    decided = [one for one in shown if one["status"] != PENDING]
    return page(request, "requests.html", pending=pending, decided=decided, gateways=names)


async def _told(connection: AsyncConnection, now: datetime) -> tuple[list[RowMapping], dict[str, str]]:
    """Return requests and the names of gateways."""
    return await list_requests(connection, now, top=200), await gateway_names(connection, now)


async def answer(request: web.Request) -> web.Response:
    """Approve a request for some hours, or deny it."""
    parts, form, id_ = request.app[PARTS], await form_of(request), request.match_info["id"]
    approve = field(form, "what") == "approve"
    if not approve and field(form, "what") != "deny":
        raise Refused(400, "what: expected approve or deny")
    decision = Decision(approve, _LIVES.get(field(form, "hours"), _LIVES["1"]), field(form, "note").strip()[:1000])
    try:
        done = await decide(parts.database, id_, decision, request[CALLER].name, parts.clock())
    except DecidedError as error:
        raise Refused(409, str(error)) from None
    if done is None:
        raise Refused(404, "No request has this id.")
    parts.live.changed()
    return back_to("/requests", "approved" if approve else "denied")
