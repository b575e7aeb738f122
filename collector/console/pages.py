"""The overview and the page of an incident: what each reads from the store and hands to its template."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from aiohttp import web
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.arrival import ALLOWED
from collector.console.charts import Span, chart_of
from collector.console.gateway_views import gateway_views
from collector.console.remembered import Remembered
from collector.console.rendering import page
from collector.console.system_pages import output_views
from collector.resources import evidence, incident_resource, machine_resource
from collector.risk import INACTIVE_AFTER
from collector.store.access_requests import PENDING
from collector.store.activity import Counts, counts_since
from collector.store.alerts import count_open, list_alerts
from collector.store.incidents import find_incident
from collector.store.machines import count_machines, list_machines
from collector.store.overview import top_destinations, top_indicators
from collector.store.policy_tables import ACCESS_REQUESTS
from collector.store.tables import DEVICES
from collector.web.errors import Refused
from collector.web.parts import PARTS, Parts

_DAY = timedelta(hours=24)
REMEMBERED = web.AppKey("remembered", Remembered)


@dataclass(frozen=True, slots=True)
class Rankings:
    """Hold what was met most and what decided most, from the start of a UTC day on."""

    since: date
    destinations: list[dict[str, Any]]
    indicators: list[dict[str, Any]]


async def overview(request: web.Request) -> web.Response:
    """Show the last hours or days, the latest alerts, the devices, and how gateways, feeds and outputs are."""
    parts = request.app[PARTS]
    now, span = parts.clock(), Span.named(request.query.get("span", ""))
    values = await parts.database.ask(lambda connection: _now(connection, now, span))
    rankings = await request.app[REMEMBERED].get(span, lambda: _rankings(parts, span))
    outputs = await output_views(parts.database, parts.settings.outputs)
    return page(request, "overview.html", outputs=outputs, rankings=rankings, spans=list(Span), span=span, **values)


async def _now(connection: AsyncConnection, now: datetime, span: Span) -> dict[str, Any]:
    """Return what the overview shows of this moment and of the hours before it."""
    waiting = select(func.count()).select_from(ACCESS_REQUESTS).where(ACCESS_REQUESTS.c.status == PENDING)
    return {
        "chart": chart_of(await counts_since(connection, span.first(now), span.step), now, span),
        "counts": _sums(await counts_since(connection, now - _DAY, 24)),
        "alerts": await list_alerts(connection, top=12),
        "open_alerts": await count_open(connection),
        "requests": int((await connection.execute(waiting)).scalar_one()),
        "machines": [machine_resource(record, now) for record in await list_machines(connection, top=8)],
        "active": await count_machines(connection, DEVICES.c.last_seen > now - INACTIVE_AFTER),
        "gateways": await gateway_views(connection, now),
    }


async def _rankings(parts: Parts, span: Span) -> Rankings:
    """Count by whole days, as totals are kept."""
    since = (parts.clock() - span.length).date()
    return await parts.database.ask(lambda connection: _ranked(connection, since))


async def _ranked(connection: AsyncConnection, since: date) -> Rankings:
    return Rankings(since, await top_destinations(connection, since), await top_indicators(connection, since))


def _sums(found: Counts) -> dict[str, int]:
    sums = {"blocked": 0, "warned": 0, "overridden": 0, "recorded": 0, ALLOWED: 0}
    for counts in found.values():
        for measure, count in counts.items():
            sums[measure] = sums.get(measure, 0) + count
    return sums


async def incident(request: web.Request) -> web.Response:
    """Lead from an incident id, as a block page shows it, to its alert; show it by itself where it raised none."""
    id_ = request.match_info["id"]
    row = await request.app[PARTS].database.ask(lambda connection: find_incident(connection, id_))
    if row is None:
        raise Refused(404, "No incident has this id. If the page was just shown, try again in a moment.")
    if row["alert_id"]:
        return web.Response(status=303, headers={"Location": f"/alerts/{row['alert_id']}"})
    return page(request, "incident.html", incident=incident_resource(row), item=evidence(row))
