"""The console's pages: what each reads from the store and hands to its template."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.arrival import ALLOWED
from collector.console.charts import chart_of
from collector.console.rendering import page
from collector.gateway_status import GatewayStatus, is_silent, read_status
from collector.resources import alert_resource, evidence, incident_resource, machine_resource
from collector.risk import INACTIVE_AFTER
from collector.store.activity import Hours, hours_since
from collector.store.alerts import before, count_open, find_alert, list_alerts
from collector.store.gateways import list_gateways
from collector.store.incidents import device_incidents, find_incident
from collector.store.machines import count_machines, find_machine, list_machines
from collector.store.overview import top_destinations
from collector.store.tables import ALERTS, DEVICES
from collector.web.errors import Refused
from collector.web.parts import PARTS

_DAY = timedelta(hours=24)
_ROWS = 50


@dataclass(frozen=True, slots=True)
class GatewayView:
    """One gateway as the overview shows it. `status` is nothing for one that only delivers events."""

    name: str
    last_seen: datetime
    silent: bool
    rejected: int
    last_rejection: str
    status: GatewayStatus | None


async def overview(request: web.Request) -> web.Response:
    """Show the last 24 hours, the latest alerts, the devices, and how gateways and feeds are."""
    parts = request.app[PARTS]
    now = parts.clock()
    async with parts.database.read() as connection:
        hours = await hours_since(connection, now - _DAY)
        values: dict[str, Any] = {
            "chart": chart_of(hours, now),
            "counts": _sums(hours),
            "alerts": await list_alerts(connection, top=12),
            "open_alerts": await count_open(connection),
            "machines": [machine_resource(record, now) for record in await list_machines(connection, top=8)],
            "active": await count_machines(connection, DEVICES.c.last_seen > now - INACTIVE_AFTER),
            "destinations": await top_destinations(connection, now - _DAY),
            "gateways": await _gateways(connection, now),
        }
    return page(request, "overview.html", **values)


def _sums(hours: Hours) -> dict[str, int]:
    sums = {"blocked": 0, "warned": 0, "overridden": 0, "recorded": 0, ALLOWED: 0}
    for counts in hours.values():
        for measure, count in counts.items():
            sums[measure] = sums.get(measure, 0) + count
    return sums


async def _gateways(connection: AsyncConnection, now: datetime) -> list[GatewayView]:
    return [
        GatewayView(
            row["name"],
            row["last_seen"],
            is_silent(row["status_time"], now),
            row["rejected"],
            row["last_rejection"],
            read_status(row["status"]) if row["status"] else None,
        )
        for row in await list_gateways(connection)
    ]


async def alerts(request: web.Request) -> web.Response:
    """List alerts, newest first, a page at a time; `show=all` includes resolved ones."""
    everything = request.query.get("show") == "all"
    where = [] if everything else [ALERTS.c.status != "Resolved"]
    where += [before(*_place(request.query["after"]))] if "after" in request.query else []
    async with request.app[PARTS].database.read() as connection:
        rows = await list_alerts(connection, where, top=_ROWS + 1)
    shown = rows[:_ROWS]
    following = f"{shown[-1]['last_event'].timestamp() * 1000:.0f}-{shown[-1]['seq']}" if len(rows) > _ROWS else ""
    return page(request, "alerts.html", alerts=shown, everything=everything, following=following)


def _place(text: str) -> tuple[datetime, int]:
    """Read the row after which a page begins: its last event in milliseconds and its number."""
    when, _, seq = text.partition("-")
    if not (when.isascii() and when.isdigit() and seq.isascii() and seq.isdigit() and len(text) < 40):
        raise Refused(400, "after: this page's address is incomplete; go back to the first page")
    try:
        return datetime.fromtimestamp(int(when) / 1000, UTC), min(int(seq), 2**62)
    except (OverflowError, ValueError, OSError):
        raise Refused(400, "after: this page's address is wrong; go back to the first page") from None


async def alert(request: web.Request) -> web.Response:
    """Show one alert with its evidence."""
    async with request.app[PARTS].database.read() as connection:
        record = await find_alert(connection, request.match_info["id"])
    if record is None:
        raise Refused(404, "No alert has this id. It may have been removed when its retention ended.")
    return page(request, "alert.html", alert=alert_resource(record), row=record.row)


async def devices(request: web.Request) -> web.Response:
    """List devices, the one seen last first."""
    parts = request.app[PARTS]
    async with parts.database.read() as connection:
        records = await list_machines(connection, top=500)
    return page(request, "devices.html", machines=[machine_resource(record, parts.clock()) for record in records])


async def device(request: web.Request) -> web.Response:
    """Show one device: what it is, its last 24 hours, its alerts and what it met."""
    parts, device_id = request.app[PARTS], request.match_info["id"]
    now = parts.clock()
    async with parts.database.read() as connection:
        record = await find_machine(connection, device_id)
        if record is None:
            raise Refused(404, "No device has this id. It may have been removed when its retention ended.")
        values: dict[str, Any] = {
            "machine": machine_resource(record, now),
            "row": record.row,
            "chart": chart_of(await hours_since(connection, now - _DAY, device_id), now),
            "alerts": await list_alerts(connection, [ALERTS.c.device_id == device_id], top=20),
            "timeline": [evidence(row) for row in await device_incidents(connection, device_id)],
        }
    return page(request, "device.html", **values)


async def incident(request: web.Request) -> web.Response:
    """Lead from an incident id, as a block page shows it, to its alert; show it by itself where it raised none."""
    async with request.app[PARTS].database.read() as connection:
        row = await find_incident(connection, request.match_info["id"])
    if row is None:
        raise Refused(404, "No incident has this id. If the page was just shown, try again in a moment.")
    if row["alert_id"]:
        return web.Response(status=303, headers={"Location": f"/alerts/{row['alert_id']}"})
    return page(request, "incident.html", incident=incident_resource(row), item=evidence(row))
