"""`POST /api/machines/{id}/posture`: take the signed report of an MDM or attestation service."""

from __future__ import annotations

from aiohttp import web

from collector.posture import PostureError, read_report
from collector.store.posture import StaleReportError, keep_posture
from collector.web.bodies import json_object
from collector.web.errors import Refused
from collector.web.parts import CALLER, PARTS

_MOST = 128 * 1024  # bytes


async def post(request: web.Request) -> web.Response:
    """Keep a report (`{"report": "…"}`) and answer 204; 403 for one that is not believed, 409 for an old one."""
    parts = request.app[PARTS]
    report = (await json_object(request, _MOST)).get("report")
    if not isinstance(report, str) or not report:
        raise Refused(400, "report: expected a signed report (a compact JWS)")
    device, now = request.match_info["id"], parts.clock()
    try:
        posture = read_report(report, device, parts.settings.posture_issuers, now)
        known = await keep_posture(parts.database, posture, request[CALLER].name, now)
    except PostureError as error:
        raise Refused(403, str(error)) from None
    except StaleReportError as error:
        raise Refused(409, str(error)) from None
    if not known:
        raise Refused(404, "no device has this id")
    parts.live.changed()
    return web.Response(status=204)
