"""`/api/machines`: devices in Defender's form: listed, read, tagged, grouped, explained, deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web
from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.api.collections import answer
from collector.exposure_resources import level_of
from collector.exposures import knowledge_at
from collector.resources import hint_resources, machine_resource, risk_resource
from collector.store.device_deletion import delete_device
from collector.store.device_marks import change_group, change_tag
from collector.store.fleet import exposures_of
from collector.store.machine_fields import machine_fields
from collector.store.machines import LAST_SEEN, MachineRecord, count_machines, find_machine, list_machines
from collector.store.risk import explained
from collector.store.signs import jailbreak_hints
from collector.store.tables import DEVICES
from collector.web.asked import Asked, asked_of
from collector.web.bodies import json_object
from collector.web.errors import Refused
from collector.web.parts import CALLER, PARTS, Parts

_NONE = "no device has this id"
_LONGEST_TAG = 200  # characters
_LONGEST_GROUP = 128


async def collection(request: web.Request) -> web.Response:
    """Answer a page of devices, the one seen last first unless `$orderby` says otherwise."""
    parts = request.app[PARTS]
    now = parts.clock()
    asked = asked_of(request.query, machine_fields(now))
    order = (*asked.order, DEVICES.c.id) if asked.order else LAST_SEEN
    machines, count = await parts.database.ask(lambda connection: _listed(connection, parts, asked, order))
    return answer(request, asked.page, machines, count)


async def _listed(
    connection: AsyncConnection, parts: Parts, asked: Asked, order: Sequence[ColumnElement[object]]
) -> tuple[list[dict[str, Any]], int | None]:
    """Return a page of devices as they are answered, and how many there are where that is asked for."""
    records = await list_machines(connection, asked.where, order, asked.page.top, asked.page.skip)
    count = await count_machines(connection, *asked.where) if asked.counts else None
    return await _with_exposure(connection, parts, records), count


async def single(request: web.Request) -> web.Response:
    """Answer one device, or 404."""
    parts, device = request.app[PARTS], request.match_info["id"]
    return web.json_response(await parts.database.ask(lambda connection: _one(connection, parts, device)))


async def _one(connection: AsyncConnection, parts: Parts, device: str) -> dict[str, Any]:
    record = await find_machine(connection, device)
    if record is None:
        raise Refused(404, _NONE)
    hints = hint_resources(await jailbreak_hints(connection, device))
    (machine,) = await _with_exposure(connection, parts, [record])
    return machine | {"jailbreakHints": hints}


async def _with_exposure(
    connection: AsyncConnection, parts: Parts, records: Sequence[MachineRecord]
) -> list[dict[str, Any]]:
    """Write devices with how exposed each is; null where that is not known."""
    knowledge, now = knowledge_at(parts.settings.vulnerability_data), parts.clock()
    devices = [(record.row["id"], record.row["name"]) for record in records]
    found = await exposures_of(connection, devices, knowledge, now)
    return [
        machine_resource(record, now) | {"exposureLevel": level_of(one)}
        for record, one in zip(records, found, strict=True)
    ]


async def risk(request: web.Request) -> web.Response:
    """Answer a device's risk, the open alerts that explain it, and its history."""
    device = request.match_info["id"]
    return web.json_response(await request.app[PARTS].database.ask(lambda connection: _risk(connection, device)))


async def _risk(connection: AsyncConnection, device: str) -> dict[str, Any]:
    if await find_machine(connection, device) is None:
        raise Refused(404, _NONE)
    return risk_resource(device, await explained(connection, device))


async def tags(request: web.Request) -> web.Response:
    """Add a tag to a device, or remove it, as Defender does (`Value`, `Action`); answer the device."""
    parts = request.app[PARTS]
    body = await json_object(request)
    tag, action = body.get("Value"), body.get("Action")
    if not isinstance(tag, str) or not 0 < len(tag.strip()) <= _LONGEST_TAG:
        raise Refused(400, f"Value: expected a tag of 1 to {_LONGEST_TAG} characters")
    if action not in ("Add", "Remove"):
        raise Refused(400, f"Action: expected Add or Remove, got {action!r:.40}")
    try:
        known = await change_tag(
            parts.database,
            request.match_info["id"],
            tag.strip(),
            add=action == "Add",
            by=request[CALLER].name,
            now=parts.clock(),
        )
    except ValueError as error:
        raise Refused(400, f"Value: {error}") from None
    if not known:
        raise Refused(404, _NONE)
    parts.live.changed()
    return await single(request)


async def patch(request: web.Request) -> web.Response:
    """Put a device into a group (`rbacGroupName`; null leaves that to its gateway again); answer the device."""
    parts = request.app[PARTS]
    body = await json_object(request)
    group = body.get("rbacGroupName")
    if body.keys() != {"rbacGroupName"} or not isinstance(group, str | None):
        raise Refused(400, "body: expected an object with `rbacGroupName`, a text or null")
    if group is not None and not 0 < len(group.strip()) <= _LONGEST_GROUP:
        raise Refused(400, f"rbacGroupName: expected 1 to {_LONGEST_GROUP} characters")
    by = request[CALLER].name
    if not await change_group(parts.database, request.match_info["id"], (group or "").strip(), by, parts.clock()):
        raise Refused(404, _NONE)
    parts.live.changed()
    return await single(request)


async def delete(request: web.Request) -> web.Response:
    """Delete a device and everything that is kept of it: 204, or 404."""
    parts = request.app[PARTS]
    if not await delete_device(parts.database, request.match_info["id"], request[CALLER].name, parts.clock()):
        raise Refused(404, _NONE)
    parts.live.changed()
    return web.Response(status=204)
