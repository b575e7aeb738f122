"""Put a door before each handler: who is calling, and may they. Handlers find the caller in the request."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

from collector.web.access import Access, Caller, bearer
from collector.web.errors import Refused
from collector.web.forms import form_of
from collector.web.forwarded import client_of, line_of
from collector.web.parts import CALLER, PARTS, Handler, Parts

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
        if not access.admits(caller):
            raise Refused(403, f"{caller.name} may not do this")
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
        return parts.tokens.caller(authorization) or await _by_bearer(parts, bearer(authorization))
    cookie = request.cookies.get(cookie_name(request))
    return await parts.sessions.caller(cookie, parts.clock()) if cookie else None


async def _by_bearer(parts: Parts, token: str) -> Caller | None:
    for known in parts.bearers:
        if token and (caller := await known(token, parts.clock())):
            return caller
    return None


def cookie_name(request: web.Request) -> str:
    """Name the session cookie after the port, because browsers share cookies between all ports of a host.

    Under TLS the `__Host-` prefix keeps other hosts of the domain, and plain HTTP, from setting it.
    """
    name = f"seawall_{request.url.port}"
    return f"__Host-{name}" if is_secure(request) else name


def is_secure(request: web.Request) -> bool:
    """Say whether the browser speaks TLS: to us, or to a terminator under `public_url`."""
    return request.secure or _is_public(request)


def comes_from(request: web.Request) -> str:
    """Return the line that asks, by its address; where requests come by a trusted proxy, the one which that tells.

    Only what was asked for under `public_url` came by one. Without its header all who come through count as one.
    """
    peer = request.remote or ""
    if not _is_public(request):
        return line_of(peer)
    trusted = request.app[PARTS].settings.trusted_proxies
    return line_of(client_of(peer, request.headers.getall("X-Forwarded-For", []), trusted))


def _is_public(request: web.Request) -> bool:
    public = urlsplit(request.app[PARTS].settings.public_url)
    return public.scheme == "https" and public.netloc.lower() == request.host.lower()


async def _csrf(request: web.Request, caller: Caller) -> str:
    if not caller.session:
        return ""
    if CSRF_HEADER in request.headers:
        return request.headers[CSRF_HEADER]
    if request.content_type != "application/x-www-form-urlencoded":
        return ""
    return str((await form_of(request)).get("csrf", ""))
