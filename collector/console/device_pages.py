"""Pages of devices: the list, one device with its timeline, and what may be changed of it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from aiohttp import web
from sqlalchemy import ColumnElement, RowMapping, func, or_, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.console.charts import Span, chart_of
from collector.console.forms import back_to
from collector.console.gateway_views import gateway_names
from collector.console.places import number_after
from collector.console.rendering import page
from collector.exposure_resources import claim_resources, device_resource, flaw_resource, knowledge_resource
from collector.exposures import knowledge_at
from collector.resources import coverage_resource, evidence, hint_resources, machine_resource, risk_resource
from collector.store.activity import counts_since
from collector.store.alerts import list_alerts
from collector.store.claims import claims_of
from collector.store.coverage import coverage_of
from collector.store.device_deletion import delete_device
from collector.store.device_marks import change_tag
from collector.store.fleet import exposures_of
from collector.store.incidents import device_incidents
from collector.store.machines import MachineRecord, count_machines, find_machine, list_machines
from collector.store.risk import explained
from collector.store.signs import jailbreak_hints
from collector.store.tables import ALERTS, DEVICES
from collector.web.errors import Refused
from collector.web.forms import field, form_of
from collector.web.parts import CALLER, PARTS, Parts

_ROWS = 50
_FLAWS = 12
_GONE = "No device has this id. It may have been removed when its retention ended."


async def listed(request: web.Request) -> web.Response:
    """List devices, the one seen last first; `q` finds by name, id or user agent."""
    parts, text = request.app[PARTS], request.query.get("q", "").strip()[:200]
    where: list[ColumnElement[bool]] = []
    if text:
        columns = (DEVICES.c.name, DEVICES.c.id, DEVICES.c.user_agent)
        where.append(or_(*(func.lower(column).contains(text.lower(), autoescape=True) for column in columns)))
    after = request.query.get("after", "")[:200]
    records, total = await parts.database.ask(lambda connection: _found(connection, where, after))
    machines = [machine_resource(record, parts.clock()) for record in records[:_ROWS]]
    following = machines[-1]["id"] if len(records) > _ROWS else ""
    return page(request, "devices.html", machines=machines, q=text, total=total, following=following)


async def _found(
    connection: AsyncConnection, where: list[ColumnElement[bool]], after: str
) -> tuple[list[MachineRecord], int]:
    """Return the devices that follow one, one more than a page shows, and how many there are in all."""
    place: list[ColumnElement[bool]] = []
    if after and (last := await find_machine(connection, after)):
        place.append(tuple_(DEVICES.c.last_seen, DEVICES.c.id) < (last.row["last_seen"], last.row["id"]))
    order = (DEVICES.c.last_seen.desc(), DEVICES.c.id.desc())
    records = await list_machines(connection, [*where, *place], order, top=_ROWS + 1)
    return records, await count_machines(connection, *where)


async def single(request: web.Request) -> web.Response:
    """Show one device: what it is, its last days, its risk with reasons, its alerts and what it met."""
    parts, device_id = request.app[PARTS], request.match_info["id"]
    span, after = Span.named(request.query.get("span", "")), number_after(request)
    values = await parts.database.ask(lambda connection: _told(connection, parts, device_id, span, after))
    return page(request, "device.html", spans=list(Span), span=span, after=after, **values)


async def _told(
    connection: AsyncConnection, parts: Parts, device_id: str, span: Span, after: int | None
) -> dict[str, Any]:
    """Return what the page of a device shows. Raises Refused (404)."""
    now, record = parts.clock(), await find_machine(connection, device_id)
    if record is None:
        raise Refused(404, _GONE)
    rows = await device_incidents(connection, device_id, _ROWS + 1, after)
    return {
        "machine": machine_resource(record, now),
        "row": record.row,
        "risk": risk_resource(device_id, await explained(connection, device_id)),
        "coverage": coverage_resource(told) if (told := await coverage_of(connection, device_id)) else None,
        "chart": chart_of(await counts_since(connection, span.first(now), span.step, device_id), now, span),
        "alerts": await list_alerts(connection, [ALERTS.c.device_id == device_id], top=20),
        "timeline": [evidence(row) for row in rows[:_ROWS]],
        "following": rows[_ROWS - 1]["seq"] if len(rows) > _ROWS else None,
        **await _exposure(connection, parts, record.row),
        "hints": hint_resources(await jailbreak_hints(connection, device_id)),
        "gateways": await gateway_names(connection, now),
    }


async def _exposure(connection: AsyncConnection, parts: Parts, row: RowMapping) -> dict[str, Any]:
    """Return what a device is exposed to, how that is known, and of which day the knowledge is."""
    knowledge, now = knowledge_at(parts.settings.vulnerability_data), parts.clock()
    (found,) = await exposures_of(connection, [(row["id"], row["name"])], knowledge, now)
    claims = (await claims_of(connection, [row["id"]])).get(row["id"], ())
    return {
        "exposure": device_resource(found),
        "flaws": [flaw_resource(flaw) for flaw in found.assessment.vulnerabilities[:_FLAWS]],
        "claims": claim_resources(claims),
        "data": knowledge_resource(knowledge, now.date()),
    }


async def change(request: web.Request) -> web.Response:
    """Add or remove a tag, or delete the device with everything that is kept of it."""
    parts, form, device_id = request.app[PARTS], await form_of(request), request.match_info["id"]
    by, now, tag = request[CALLER].name, parts.clock(), field(form, "tag").strip()[:200]
    what = field(form, "what")
    if what == "delete":
        if not await delete_device(parts.database, device_id, by, now):
            raise Refused(404, _GONE)
        parts.live.changed()
        return back_to("/devices", "device-gone")
    if what not in ("tag", "untag") or not tag:
        raise Refused(400, "what: expected delete, or tag or untag with a tag")
    try:
        found = await change_tag(parts.database, device_id, tag, add=what == "tag", by=by, now=now)
    except ValueError as error:
        raise Refused(400, str(error)) from None
    if not found:
        raise Refused(404, _GONE)
    return back_to(f"/devices/{quote(device_id, safe='')}")
