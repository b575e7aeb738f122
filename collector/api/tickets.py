"""`POST /api/v1/tickets`: a one-time address that opens the console in a browser."""

from __future__ import annotations

from aiohttp import web

from collector.web.parts import CALLER, PARTS

LOCAL = "local administrator"
"""Who a session by `seawall console` belongs to; the space keeps it apart from every account's name."""


async def post(request: web.Request) -> web.Response:
    """Answer the address; it opens one session and is good for the ticket's life. Admin only."""
    parts = request.app[PARTS]
    caller = request[CALLER]
    ticket = parts.sessions.issue_ticket(caller.role, LOCAL, parts.clock())
    base = parts.settings.public_url.rstrip("/") or f"{request.scheme}://{request.host}"
    seconds = int(parts.settings.ticket_life.total_seconds())
    return web.json_response({"url": f"{base}/login?ticket={ticket}", "expires_in": seconds}, status=201)
