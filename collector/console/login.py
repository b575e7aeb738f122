"""Come in with a one-time ticket, and leave again."""

from __future__ import annotations

from aiohttp import web

from collector.console.rendering import page
from collector.web.doors import cookie_name
from collector.web.errors import Refused
from collector.web.guards import is_foreign_visit
from collector.web.parts import CALLER, PARTS


async def enter(request: web.Request) -> web.Response:
    """Exchange the ticket for a session cookie and lead to the overview.

    A browser that only looks ahead (prefetch) does not use the ticket up. When a link on another site led here, a
    redirect would be asked for without the new cookie, so a page of ours leads on instead.
    """
    parts = request.app[PARTS]
    if "prefetch" in request.headers.get("Sec-Purpose", request.headers.get("Purpose", "")):
        raise Refused(503, "this address works once: open it, do not prefetch it")
    cookie = await parts.sessions.redeem(request.query.get("ticket", ""), parts.clock())
    if cookie is None:
        raise Refused(401, "this link was used already or is too old")
    answer = page(request, "welcome.html") if is_foreign_visit(request) else web.Response(status=303)
    if answer.status == 303:
        answer.headers["Location"] = "/"
    answer.set_cookie(
        cookie_name(request),
        cookie,
        max_age=int(parts.settings.session_life.total_seconds()),
        httponly=True,
        samesite="Strict",
        secure=request.secure or parts.settings.public_url.startswith("https:"),
    )
    return answer


async def leave(request: web.Request) -> web.Response:
    """End the session and forget its cookie."""
    await request.app[PARTS].sessions.end(request[CALLER].session)
    answer = web.Response(status=303, headers={"Location": "/"})
    answer.del_cookie(cookie_name(request))
    return answer
