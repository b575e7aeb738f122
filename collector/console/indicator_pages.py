"""Pages of indicators: search, add, expire, and what each one hit (those of feeds too)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web
from sqlalchemy import ColumnElement, RowMapping, func, or_
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.console.forms import back_to
from collector.console.places import number_after
from collector.console.rendering import page
from collector.indicator_form import ACTIONS, TYPES, IndicatorFormError, read_submission
from collector.store.alerts import list_alerts
from collector.store.indicators import (
    By,
    TooManyIndicatorsError,
    count_indicators,
    in_force,
    list_indicators,
    remove,
    submit,
)
from collector.store.overview import hits_of
from collector.store.policy_tables import INDICATORS
from collector.store.tables import ALERTS
from collector.web.errors import Refused
from collector.web.forms import Form, field, form_of
from collector.web.parts import CALLER, PARTS
from indicators.words import Severity

_ROWS = 50
_LIVES = {"1h": timedelta(hours=1), "1d": timedelta(days=1), "7d": timedelta(days=7), "30d": timedelta(days=30)}
_KEPT = ("indicatorValue", "indicatorType", "action", "title", "description", "severity", "life")


async def listed(request: web.Request) -> web.Response:
    """List indicators that were set here, newest first, with what each hit."""
    return await _page(request)


async def _page(request: web.Request, status: int = 200, wrong: str = "", **typed: str) -> web.Response:
    parts, text = request.app[PARTS], request.query.get("q", "").strip()[:300]
    now, after = parts.clock(), number_after(request)
    where: list[ColumnElement[bool]] = [in_force(now)]
    if text:
        columns = (INDICATORS.c.shown, INDICATORS.c.title, INDICATORS.c.description)
        where.append(or_(*(func.lower(column).contains(text.lower(), autoescape=True) for column in columns)))
    rows, hits, total = await parts.database.ask(lambda connection: _found(connection, where, after))
    values: dict[str, Any] = {
        "indicators": rows[:_ROWS],
        "hits": hits,
        "q": text,
        "total": total,
        "following": rows[_ROWS - 1]["seq"] if len(rows) > _ROWS else None,
        "types": list(TYPES),
        "actions": [action for action in ACTIONS if action != "BlockAndRemediate"],
        "severities": list(Severity),
        "wrong": wrong,
        "typed": {name: typed.get(name, "") for name in _KEPT},
    }
    return page(request, "indicators.html", status, **values)


async def add(request: web.Request) -> web.Response:
    """Create an indicator, or change the one with this value."""
    form = await form_of(request)
    try:
        await put(request, _body(form, request.app[PARTS].clock()))
    except (IndicatorFormError, TooManyIndicatorsError) as error:
        return await _page(request, 400, str(error), **{name: field(form, name) for name in _KEPT})
    return back_to("/indicators", "indicator")


def _body(form: Form, now: datetime) -> dict[str, Any]:
    """Return the form as a submission in Defender's words. Kind and title may be left to us."""
    value, action = field(form, "indicatorValue").strip(), field(form, "action")
    body: dict[str, Any] = {
        "indicatorValue": value,
        "indicatorType": field(form, "indicatorType") or kind_of(value),
        "action": action,
        "title": field(form, "title").strip() or f"{action}: {value}"[:200],
        "description": field(form, "description").strip() or "Set in the console.",
        "generateAlert": action == "Audit" or field(form, "alert") == "yes",
    }
    if severity := field(form, "severity"):
        body["severity"] = severity.capitalize()
    if life := _LIVES.get(field(form, "life")):
        body["expirationTime"] = (now + life).strftime("%Y-%m-%dT%H:%M:%SZ")
    return body


def kind_of(value: str) -> str:
    """Guess which kind of indicator somebody typed.

    >>> [kind_of(text) for text in ("evil.example", "https://x.example/a", "192.0.2.1", "2001:db8::1", "a" * 64)]
    ['DomainName', 'Url', 'IpAddress', 'IpAddress', 'FileSha256']
    """
    if "/" in value:
        return "Url"
    digits = value and all(letter in "0123456789abcdefABCDEF" for letter in value)
    if digits and len(value) in (32, 40, 64):
        return {32: "FileMd5", 40: "FileSha1", 64: "FileSha256"}[len(value)]
    return "IpAddress" if ":" in value or value.replace(".", "").isdigit() else "DomainName"


async def put(request: web.Request, body: dict[str, Any]) -> None:
    """Submit in the caller's name. Raises IndicatorFormError or TooManyIndicatorsError."""
    parts = request.app[PARTS]
    submission = read_submission(body, parts.clock())
    await submit(parts.database, submission, By(request[CALLER].name), parts.clock())
    parts.live.changed()


async def expire(request: web.Request) -> web.Response:
    """End an indicator now."""
    parts, number = request.app[PARTS], int(request.match_info["number"])
    if await remove(parts.database, [number], request[CALLER].name, parts.clock()):
        raise Refused(404, "No indicator has this number; it may have ended already.")
    parts.live.changed()
    return back_to("/indicators", "indicator-gone")


async def _found(
    connection: AsyncConnection, where: Sequence[ColumnElement[bool]], after: int | None
) -> tuple[list[RowMapping], dict[str, RowMapping], int]:
    """Return the indicators that a page shows and one more, what each hit, and how many there are in all."""
    place = [INDICATORS.c.seq < after] if after is not None else []
    rows = await list_indicators(connection, [*where, *place], [INDICATORS.c.seq.desc()], top=_ROWS + 1)
    hits = await hits_of(connection, [row["value"] for row in rows] + [row["shown"] for row in rows])
    return rows, hits, await count_indicators(connection, *where)


async def hits(request: web.Request) -> web.Response:
    """Show the alerts that one indicator decided, wherever it came from."""
    parts, value = request.app[PARTS], request.query.get("value", "")[:4096]
    if not value:
        raise Refused(400, "value: expected an indicator's value")
    alerts, hit = await parts.database.ask(lambda connection: _decided_by(connection, value))
    return page(request, "hits.html", value=value, alerts=alerts, hit=hit)


async def _decided_by(connection: AsyncConnection, value: str) -> tuple[list[RowMapping], RowMapping | None]:
    rows = await list_alerts(connection, [ALERTS.c.threat_name == value], top=_ROWS)
    return rows, (await hits_of(connection, [value])).get(value)
