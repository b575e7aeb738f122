"""`/api/machines/{id}/vulnerabilities` and `/api/vulnerabilities`: how exposed devices are by the release they run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.exposure_resources import (
    claim_resources,
    device_resource,
    devices_csv,
    flaw_resource,
    flaws_csv,
    fleet_flaw_resource,
    fleet_resource,
    knowledge_resource,
)
from collector.exposures import DeviceExposure, FleetFlaw, flaws_of, knowledge_at, most_exposed_first
from collector.store.claims import claims_of
from collector.store.fleet import exposures_of, fleet_exposure
from collector.store.machines import find_machine
from collector.vulnerabilities.choosing import SeenClaim
from collector.vulnerabilities.knowledge import Knowledge
from collector.web.errors import Refused
from collector.web.paging import page_of
from collector.web.parts import PARTS, Parts


async def machine(request: web.Request) -> web.Response:
    """Answer what one device is exposed to, or 404; `?format=csv` gives its vulnerabilities as a table."""
    parts = request.app[PARTS]
    knowledge, now = knowledge_at(parts.settings.vulnerability_data), parts.clock()
    id_ = request.match_info["id"]
    found, claims = await parts.database.ask(lambda connection: _exposed(connection, id_, knowledge, now))
    flaws = found.assessment.vulnerabilities
    if request.query.get("format") == "csv":
        platform = found.assessment.running.platform
        return table(flaws_csv(FleetFlaw(flaw, platform, (id_,)) for flaw in flaws), "vulnerabilities.csv")
    told = {**device_resource(found), "claims": claim_resources(claims), "value": list(map(flaw_resource, flaws))}
    return web.json_response({**told, "data": knowledge_resource(knowledge, now.date())})


async def _exposed(
    connection: AsyncConnection, device: str, knowledge: Knowledge, now: datetime
) -> tuple[DeviceExposure, Sequence[SeenClaim]]:
    """Return what a device is exposed to, and what was told of its releases. Raises Refused (404)."""
    record = await find_machine(connection, device)
    if record is None:
        raise Refused(404, "no device has this id")
    (found,) = await exposures_of(connection, [(device, record.row["name"])], knowledge, now)
    return found, (await claims_of(connection, [device])).get(device, ())


async def collection(request: web.Request) -> web.Response:
    """Answer the vulnerabilities of all devices, exploited ones first; `?format=csv` gives a table."""
    page = page_of(request.query)
    found, knowledge = await fleet(request.app[PARTS])
    flaws = flaws_of(found)
    listed = flaws[page.skip : page.skip + page.top]
    if request.query.get("format") == "csv":
        return table(flaws_csv(listed), "vulnerabilities.csv")
    data = knowledge_resource(knowledge, request.app[PARTS].clock().date())
    return web.json_response({"value": list(map(fleet_flaw_resource, listed)), "count": len(flaws), "data": data})


async def exposure(request: web.Request) -> web.Response:
    """Answer the fleet's exposure: score, top releases, and devices in the order in which to update them.

    `?format=csv` gives the devices as a table for a spreadsheet.
    """
    page = page_of(request.query)
    found, knowledge = await fleet(request.app[PARTS])
    ordered = most_exposed_first(found)[page.skip : page.skip + page.top]
    if request.query.get("format") == "csv":
        return table(devices_csv(ordered), "exposure.csv")
    data = knowledge_resource(knowledge, request.app[PARTS].clock().date())
    return web.json_response({**fleet_resource(found), "value": list(map(device_resource, ordered)), "data": data})


async def fleet(parts: Parts) -> tuple[list[DeviceExposure], Knowledge]:
    """Return how exposed every device is, and by which knowledge."""
    knowledge = knowledge_at(parts.settings.vulnerability_data)
    found = await parts.database.ask(lambda connection: fleet_exposure(connection, knowledge, parts.clock()))
    return found, knowledge


def table(text: str, name: str) -> web.Response:
    """Answer a table to be saved as a file."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(text=text, content_type="text/csv", charset="utf-8", headers=headers)
