"""`/api/alerts`: alerts in Defender's form, listed, read one by one, changed and commented on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web
from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.api.collections import answer
from collector.resources import alert_resource
from collector.store.alert_fields import ALERT_FIELDS
from collector.store.alerts import NEWEST_FIRST, count_alerts, find_alert, list_alerts, with_evidence
from collector.store.tables import ALERTS
from collector.store.triage import change_alert
from collector.triage import Change, TriageError, read_change
from collector.web.asked import Asked, asked_of
from collector.web.bodies import json_object
from collector.web.errors import Refused
from collector.web.parts import CALLER, PARTS

_MOST_AT_ONCE = 500


async def collection(request: web.Request) -> web.Response:
    """Answer a page of alerts, the one that was active last first unless `$orderby` says otherwise."""
    asked = asked_of(request.query, ALERT_FIELDS, expands=("evidence",))
    order = (*asked.order, ALERTS.c.seq) if asked.order else NEWEST_FIRST
    alerts, count = await request.app[PARTS].database.ask(lambda connection: _listed(connection, asked, order))
    return answer(request, asked.page, alerts, count)


async def _listed(
    connection: AsyncConnection, asked: Asked, order: Sequence[ColumnElement[object]]
) -> tuple[list[dict[str, Any]], int | None]:
    """Return a page of alerts as they are answered, and how many there are where that is asked for."""
    rows = await list_alerts(connection, asked.where, order, asked.page.top, asked.page.skip)
    records = await with_evidence(connection, rows)
    count = await count_alerts(connection, *asked.where) if asked.counts else None
    return [alert_resource(record) for record in records], count


async def single(request: web.Request) -> web.Response:
    """Answer one alert, or 404."""
    return await _told(request, request.match_info["id"])


async def patch(request: web.Request) -> web.Response:
    """Change status, classification, determination, assignment, or add a comment; answer the alert as it is now."""
    body = await json_object(request)
    alert = request.match_info["id"]
    if not await _changed(request, alert, body):
        raise Refused(404, "no alert has this id")
    return await _told(request, alert)


async def comment(request: web.Request) -> web.Response:
    """Add a comment; answer 201 with the alert."""
    body = await json_object(request)
    if body.keys() != {"comment"}:
        raise Refused(400, "body: expected an object with `comment`")
    alert = request.match_info["id"]
    if not await _changed(request, alert, body):
        raise Refused(404, "no alert has this id")
    return await _told(request, alert, status=201)


async def batch(request: web.Request) -> web.Response:
    """Change several alerts alike (`alertIds`); an id that is not there is refused before any is changed."""
    body = await json_object(request)
    ids = body.pop("alertIds", None)
    if not isinstance(ids, list) or not 0 < len(ids) <= _MOST_AT_ONCE or not all(isinstance(one, str) for one in ids):
        raise Refused(400, f"alertIds: expected a list of 1 to {_MOST_AT_ONCE} ids")
    _read(body)
    async with request.app[PARTS].database.read() as connection:
        known = [(await find_alert(connection, one)) is not None for one in ids]
    if not all(known):
        raise Refused(404, f"no alert has the id {ids[known.index(False)]:.64}")
    for one in dict.fromkeys(ids):
        await _changed(request, one, body)
    return web.json_response({"value": ids})


async def _changed(request: web.Request, alert: str, body: Mapping[str, Any]) -> bool:
    parts = request.app[PARTS]
    change = _read(body)
    try:
        found = await change_alert(parts.database, alert, change, request[CALLER].name, parts.clock())
    except TriageError as error:
        raise Refused(400, str(error)) from None
    if found:
        parts.live.changed()
    return found


def _read(body: Mapping[str, Any]) -> Change:
    try:
        return read_change(body)
    except TriageError as error:
        raise Refused(400, str(error)) from None


async def _told(request: web.Request, alert: str, status: int = 200) -> web.Response:
    record = await request.app[PARTS].database.ask(lambda connection: find_alert(connection, alert))
    if record is None:
        raise Refused(404, "no alert has this id")
    return web.json_response(alert_resource(record), status=status)
