"""`GET /api/v1/incidents/{id}`: what stood behind the id that a person was shown."""

from __future__ import annotations

from aiohttp import web

from collector.resources import incident_resource
from collector.store.incidents import find_incident
from collector.web.errors import Refused
from collector.web.parts import PARTS


async def single(request: web.Request) -> web.Response:
    """Answer one incident, or 404."""
    id_ = request.match_info["id"]
    row = await request.app[PARTS].database.ask(lambda connection: find_incident(connection, id_))
    if row is None:
        raise Refused(404, "no incident has this id")
    return web.json_response(incident_resource(row))
