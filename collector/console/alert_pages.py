"""Pages of alerts: the list with its filters and its table for spreadsheets, one alert, and triage of one or many."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from aiohttp import web
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.console.forms import back_to, onward
from collector.console.places import moment_after, spelt
from collector.console.rendering import page
from collector.outputs.table_export import to_csv
from collector.resources import alert_resource, stamp
from collector.store.alerts import before, count_open, find_alert, list_alerts, list_cells, window_end
from collector.store.tables import ALERTS, DEVICES, OPEN
from collector.store.triage import change_alert
from collector.triage import CLASSIFICATIONS, DETERMINATIONS, STATUSES, Change, TriageError
from collector.web.errors import Refused
from collector.web.forms import field, fields, form_of
from collector.web.parts import CALLER, PARTS
from indicators.words import Severity

_NAMED = DEVICES.alias("named")
_ROWS = 50
_WINDOW = 5_000  # alerts that one page of a search looks at
_UNINDEXED = {"q", "severity", "status", "assigned"}
_MOST_IN_TABLE = 10_000
_PIECE = 500  # rows
_PATIENCE = 30.0  # seconds in which a piece must have been taken
_CSV = "text/csv; charset=utf-8"
_COLUMNS = (
    "id", "status", "severity", "title", "destination", "count", "first_event", "last_event", "device_id",
    "device_name", "category", "threat_category", "threat_name", "classification", "determination", "assigned_to",
)  # fmt: skip


async def listed(request: web.Request) -> web.Response:
    """List alerts, newest first, a page at a time; `show=all` includes resolved ones.

    A filter that no index serves looks at so many alerts at once, and leads on from there: no page takes long.
    """
    asked = _asked(request)
    place = moment_after(request)
    values = await request.app[PARTS].database.ask(lambda connection: _found(connection, asked, place))
    return page(request, "alerts.html", asked=asked, severities=list(Severity), statuses=STATUSES, **values)


async def _found(
    connection: AsyncConnection, asked: Mapping[str, str], place: tuple[datetime, int] | None
) -> dict[str, Any]:
    """Return the alerts that a page shows, where the next one begins, and how many are open."""
    where = [*_where(asked), *([before(*place)] if place else [])]
    end = await window_end(connection, place, _WINDOW) if asked.keys() & _UNINDEXED else None
    where += [~before(*end)] if end else []
    rows = await list_alerts(connection, where, top=_ROWS + 1)
    shown = rows[:_ROWS]
    last = (shown[-1]["last_event"], shown[-1]["seq"]) if len(rows) > _ROWS else end
    return {
        "alerts": shown, "following": spelt(*last) if last else "", "open_alerts": await count_open(connection),
    }  # fmt: skip


async def table(request: web.Request) -> web.StreamResponse:
    """Answer the same alerts as CSV, at most so many: a piece at a time, so that a long table holds up nobody.

    Each piece is read anew, so that a slow reader holds no transaction: an alert met meanwhile may come twice or not.
    One that does not take a piece in time is cut off.
    """
    database, where = request.app[PARTS].database, _where(_asked(request))
    headers = {"Content-Disposition": 'attachment; filename="seawall-alerts.csv"', "Content-Type": _CSV}
    answer, place = web.StreamResponse(headers=headers), moment_after(request)
    for _ in range(_MOST_IN_TABLE // _PIECE):
        rest = [*where, *([before(*place)] if place else [])]
        rows = await database.ask(partial(list_cells, names=_COLUMNS, where=rest, top=_PIECE))
        head = () if answer.prepared else _COLUMNS
        text = await asyncio.to_thread(to_csv, head, [list(map(_cell, row[2:])) for row in rows])
        if head:  # what is wrong with the database is told before the first piece
            await answer.prepare(request)
        if not await _taken(request, answer, text.encode()):
            return answer
        if len(rows) < _PIECE:
            break
        place = (rows[-1][0], rows[-1][1])
    await answer.write_eof()
    return answer


async def _taken(request: web.Request, answer: web.StreamResponse, piece: bytes) -> bool:
    """Write a piece; false for a reader that was cut off: its table has no end, and so is not taken for the whole."""
    try:
        async with asyncio.timeout(_PATIENCE):
            await answer.write(piece)
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
        return False
    return True


def _cell(value: object) -> object:
    return stamp(value) if isinstance(value, datetime) else value


def _asked(request: web.Request) -> dict[str, str]:
    """Return the filters that are set."""
    query = request.query
    names = ("show", "status", "severity", "device", "indicator", "assigned", "q")
    return {name: query[name].strip()[:300] for name in names if query.get(name, "").strip()}


def _where(asked: Mapping[str, str]) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if asked.get("status") in STATUSES:
        found.append(ALERTS.c.status == asked["status"])
    elif asked.get("show") != "all":
        found.append(OPEN)
    if asked.get("severity") in list(Severity):
        found.append(ALERTS.c.severity == Severity(asked["severity"]))
    columns = {"device": ALERTS.c.device_id, "indicator": ALERTS.c.threat_name, "assigned": ALERTS.c.assigned_to}
    found += [column == asked[name] for name, column in columns.items() if name in asked]
    if "q" in asked:
        found.append(_contains(asked["q"]))
    return found


def _contains(text: str) -> ColumnElement[bool]:
    """Look for a text. Devices are asked for their names once, not again for each of their alerts."""

    def holds(column: ColumnElement[str]) -> ColumnElement[bool]:
        return func.lower(column).contains(text.lower(), autoescape=True)

    named = select(_NAMED.c.id).where(holds(_NAMED.c.name))
    columns = (ALERTS.c.destination, ALERTS.c.title, ALERTS.c.threat_name)
    return or_(*map(holds, columns), ALERTS.c.device_id.in_(named))


async def single(request: web.Request) -> web.Response:
    """Show one alert with its evidence and a form to triage it."""
    return await _single(request)


async def _single(request: web.Request, status: int = 200, wrong: str = "") -> web.Response:
    id_ = request.match_info["id"]
    record = await request.app[PARTS].database.ask(lambda connection: find_alert(connection, id_))
    if record is None:
        raise Refused(404, "No alert has this id. It may have been removed when its retention ended.")
    words: dict[str, Any] = {
        "statuses": STATUSES, "classifications": CLASSIFICATIONS, "determinations": DETERMINATIONS, "wrong": wrong,
    }  # fmt: skip
    return page(request, "alert.html", status, alert=alert_resource(record), row=record.row, **words)


async def change(request: web.Request) -> web.Response:
    """Take the triage form; what is as it was is left alone, so that two people overwrite only what they changed."""
    parts, form, id_ = request.app[PARTS], await form_of(request), request.match_info["id"]
    try:
        asked = Change(
            status=_changed(form, "status"),
            classification=_changed(form, "classification"),
            determination=_changed(form, "determination"),
            assigned_to=_changed(form, "assigned_to"),
            comment=field(form, "comment").strip() or None,
        )
        done = asked == Change() or await change_alert(parts.database, id_, asked, request[CALLER].name, parts.clock())
    except TriageError as error:
        return await _single(request, 400, str(error))
    if not done:
        raise Refused(404, "No alert has this id. It may have been removed when its retention ended.")
    parts.live.changed()
    return back_to(f"/alerts/{id_}", "alert")


def _changed(form: Any, name: str) -> str | None:
    """Return a field's new value, or nothing where it is what the page showed when it was loaded.

    The button *Resolve* sends its status after that of the list, so the last value counts.
    """
    value = (fields(form, name) or [""])[-1].strip()
    return None if value == field(form, f"was_{name}") else value


async def change_many(request: web.Request) -> web.Response:
    """Give several alerts a status and a classification."""
    parts, form = request.app[PARTS], await form_of(request)
    try:
        asked = Change(status=field(form, "status") or None, classification=field(form, "classification") or None)
    except TriageError as error:
        raise Refused(400, str(error)) from None
    for id_ in fields(form, "alert")[:_ROWS]:
        if asked != Change():
            await change_alert(parts.database, id_, asked, request[CALLER].name, parts.clock())
    parts.live.changed()
    return back_to(onward(field(form, "next")), "alert")
