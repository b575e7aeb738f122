"""The page that says why something is blocked: what every gateway would do, each match and guard, and a way out."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.api.questions import asked
from collector.console.forms import back_to
from collector.console.gateway_views import gateway_names
from collector.console.indicator_pages import kind_of
from collector.console.rendering import page
from collector.indicator_form import IndicatorFormError, read_submission
from collector.store.access_requests import TooManyRequestsError, let_through
from collector.store.indicators import By, TooManyIndicatorsError, has_indicator, submit
from collector.store.machines import list_names
from collector.web.errors import Refused
from collector.web.forms import field, form_of
from collector.web.parts import CALLER, PARTS
from collector.why.answers import Answer

_HOUR = timedelta(hours=1)


async def show(request: web.Request) -> web.Response:
    """Ask every gateway that listens about a target, as for one device if it is named."""
    parts, target = request.app[PARTS], request.query.get("target", "").strip()
    if len(target) > 8192:
        raise Refused(400, "target: longer than 8192 characters")
    device = request.query.get("machine", "")
    answers: dict[str, Answer] = await asked(request, target, device) if target else {}
    names, machines = await parts.database.ask(lambda connection: _names(connection, parts.clock()))
    shown = [(names.get(name, name), answer) for name, answer in answers.items()]
    host = next((answer.host for _, answer in shown if answer.host), "")
    return page(request, "why.html", target=target, device=device, answers=shown, host=host, machines=machines)


async def _names(connection: AsyncConnection, now: datetime) -> tuple[dict[str, str], list[RowMapping]]:
    """Return the names of gateways, and devices to choose one from."""
    return await gateway_names(connection, now), await list_names(connection, 200)


async def allow(request: web.Request) -> web.Response:
    """Allow a host for an hour: by an indicator that ends by itself, or by an approval.

    An indicator of ours for this very host stays what it is: changed into an allow it would be gone after the hour.
    """
    form, parts, now = await form_of(request), request.app[PARTS], request.app[PARTS].clock()
    host, target = field(form, "host").strip(), field(form, "target")
    try:
        submission = read_submission(_an_hour(host, now), now)
        async with parts.database.read() as connection:
            ours = await has_indicator(connection, submission, now)
        if ours:
            await let_through(parts.database, submission.indicator.value, _HOUR, request[CALLER].name, now)
        else:
            await submit(parts.database, submission, By(request[CALLER].name), now)
    except (IndicatorFormError, TooManyIndicatorsError, TooManyRequestsError) as error:
        raise Refused(400, str(error)) from None
    parts.live.changed()
    return back_to(f"/why?{urlencode({'target': target or host})}", "allowed")


def _an_hour(host: str, now: datetime) -> dict[str, Any]:
    return {
        "indicatorValue": host,
        "indicatorType": kind_of(host),
        "action": "Allowed",
        "title": f"Allowed for an hour: {host}"[:200],
        "description": "Allowed for an hour from the console's page that says why it was blocked.",
        "expirationTime": (now + _HOUR).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "generateAlert": False,
    }
