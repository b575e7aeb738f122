"""`/api/v1/access-requests`: gateways hand in what people ask for; people list and decide."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from aiohttp import web

from collector.api.collections import answer
from collector.resources import access_request_resource
from collector.store.access_requests import (
    LONGEST,
    STATUSES,
    AccessRequest,
    DecidedError,
    Decision,
    TooManyRequestsError,
    decide,
    find_request,
    keep_request,
    list_requests,
)
from collector.web.bodies import json_object
from collector.web.errors import Refused
from collector.web.paging import page_of
from collector.web.parts import CALLER, PARTS
from indicators.addresses import parse_address
from indicators.hosts import canonical_host, is_address

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_NONE = "no access request has this id"


async def post(request: web.Request) -> web.Response:
    """Keep a request of a gateway: 201, or 200 with the one that is there already."""
    parts = request.app[PARTS]
    asked = _read(await json_object(request))
    try:
        row, is_new = await keep_request(parts.database, asked, parts.clock())
    except TooManyRequestsError as error:
        raise Refused(429, str(error), 60) from None
    parts.live.changed()
    return web.json_response(access_request_resource(row, parts.clock()), status=201 if is_new else 200)


async def collection(request: web.Request) -> web.Response:
    """Answer a page of requests, newest first; of one `status` where it is given."""
    parts = request.app[PARTS]
    page, status = page_of(request.query), request.query.get("status", "")
    if status and status not in STATUSES:
        raise Refused(400, f"status: expected one of {', '.join(STATUSES)}, got {status!r:.40}")
    rows = await parts.database.ask(
        lambda connection: list_requests(connection, parts.clock(), status, page.top, page.skip)
    )
    return answer(request, page, [access_request_resource(row, parts.clock()) for row in rows])


async def single(request: web.Request) -> web.Response:
    """Answer one request, or 404."""
    parts = request.app[PARTS]
    id_ = request.match_info["id"]
    row = await parts.database.ask(lambda connection: find_request(connection, id_))
    if row is None:
        raise Refused(404, _NONE)
    return web.json_response(access_request_resource(row, parts.clock()))


async def approve(request: web.Request) -> web.Response:
    """Let the device through to the host for some `hours` (1 unless said)."""
    body = await json_object(request)
    hours = body.get("hours", 1)
    most = LONGEST / timedelta(hours=1)
    if isinstance(hours, bool) or not isinstance(hours, int | float) or not 0 < hours <= most:
        raise Refused(400, f"hours: expected a number above 0 and up to {most:.0f}")
    return await _decided(request, Decision(True, timedelta(hours=hours), _text(body, "note")))


async def deny(request: web.Request) -> web.Response:
    """Refuse a request, or take an approval back."""
    return await _decided(request, Decision(False, note=_text(await json_object(request), "note")))


async def _decided(request: web.Request, decision: Decision) -> web.Response:
    parts = request.app[PARTS]
    try:
        row = await decide(parts.database, request.match_info["id"], decision, request[CALLER].name, parts.clock())
    except DecidedError as error:
        raise Refused(409, str(error)) from None
    if row is None:
        raise Refused(404, _NONE)
    parts.live.changed()
    return web.json_response(access_request_resource(row, parts.clock()))


def _read(body: dict[str, Any]) -> AccessRequest:
    device = body.get("device")
    if not isinstance(device, dict):
        raise Refused(400, "device: expected an object with `id` and `name`")
    name = body.get("id")
    if not isinstance(name, str) or not _ID.fullmatch(name):
        raise Refused(400, "id: expected 1 to 64 letters, digits, `.`, `_` or `-`")
    return AccessRequest(
        id=name,
        gateway=_text(body, "gateway", 128, required=True),
        device_id=_text(device, "id", 128, required=True),
        device_name=_text(device, "name", 256),
        host=_host(_text(body, "host", 512, required=True)),
        incident=_text(body, "incident", 64),
        note=_text(body, "note"),
    )


def _host(text: str) -> str:
    try:
        return str(parse_address(text)) if is_address(text) else canonical_host(text)
    except ValueError as error:
        raise Refused(400, f"host: {error}") from None


def _text(body: dict[str, Any], key: str, most: int = 1000, *, required: bool = False) -> str:
    value = body.get(key, "")
    if not isinstance(value, str) or len(value) > most or (required and not value.strip()):
        raise Refused(400, f"{key}: expected text of {'1' if required else '0'} to {most} characters")
    return value.strip()
