"""Put a door before each handler: who is calling, and may they. Handlers find the caller in the request."""

from __future__ import annotations

from aiohttp import web

from collector.web.access import Access, Caller
from collector.web.errors import Refused
from collector.web.parts import CALLER, PARTS, Handler

CSRF_HEADER = "X-CSRF-Token"
_SAFE = ("GET", "HEAD")


def behind(access: Access, handler: Handler) -> Handler:
    """Return the handler, reached only by callers that `access` admits: 401 without a token, 403 with a lesser one.

    A change asked for by a browser session needs the session's CSRF token as well, in a header or a form field.
    """

    async def door(request: web.Request) -> web.StreamResponse:
        if access is Access.PUBLIC:
            return await handler(request)
        caller = await caller_of(request)
        if caller is None:
            raise Refused(401, "a token or a console session is needed")
        if not access.admits(caller.role):
            raise Refused(403, f"a {caller.role} token does not suffice here")
        if request.method not in _SAFE and not caller.may_change(await _csrf(request, caller)):
            raise Refused(403, "the page is out of date: load it again, then repeat the change")
        request[CALLER] = caller
        return await handler(request)

    return door


async def caller_of(request: web.Request) -> Caller | None:
    """Return who asks: by token where one is shown, else by the browser's session."""
    parts = request.app[PARTS]
    authorization = request.headers.get("Authorization")
    if authorization is not None:
        return parts.tokens.caller(authorization)
    cookie = request.cookies.get(cookie_name(request))
    return await parts.sessions.caller(cookie, parts.clock()) if cookie else None


def cookie_name(request: web.Request) -> str:
    """Name the session cookie after the port: browsers share cookies between all ports of a host."""
    return f"seawall_{request.url.port}"


async def _csrf(request: web.Request, caller: Caller) -> str:
    if not caller.session:
        return ""
    if CSRF_HEADER in request.headers:
        return request.headers[CSRF_HEADER]
    if request.content_type != "application/x-www-form-urlencoded":
        return ""
    return str((await request.post()).get("csrf", ""))
