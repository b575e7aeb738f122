"""Refuse requests that a stranger's page could have made, and send the headers that keep browsers strict.

Loopback is not trust: any page may send requests to a local port, and any name may be pointed at it.
"""

from __future__ import annotations

import secrets

from aiohttp import web
from aiohttp.typedefs import Handler

from collector.web.errors import Refused
from collector.web.parts import NONCE, PARTS, POLICY

_OWN_SITES = ("same-origin", "none")
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # `no-referrer` would make a form of ours send `Origin: null`
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_NOTHING = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


@web.middleware
async def only_ours(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let a request through whose Host is ours, that no foreign page made, and whose address a database can keep."""
    if "\0" in request.path or "\0" in request.query_string or "%00" in request.raw_path:
        raise Refused(400, "the address holds a NUL (%00), which no name has and no database keeps")
    hosts = request.app[PARTS].hosts
    if not hosts.allows(request.headers.get("Host", "")):
        raise Refused(421, "this collector does not go by that name; add it to collector.allowed_hosts if it should")
    origin = request.headers.get("Origin")
    if origin is not None and not hosts.allows_origin(origin, request.host):
        raise Refused(403, "a page of another origin may not ask this")
    site = request.headers.get("Sec-Fetch-Site", "none")
    if site not in _OWN_SITES and not _is_visit(request):
        raise Refused(403, "a page of another site may not ask this")
    return await handler(request)


def _is_visit(request: web.Request) -> bool:
    """Say whether a person follows a link to us: the page opens at top level, and a Strict cookie is not sent."""
    headers = request.headers
    navigates = headers.get("Sec-Fetch-Mode") == "navigate" and headers.get("Sec-Fetch-Dest") == "document"
    return request.method == "GET" and navigates


def is_foreign_visit(request: web.Request) -> bool:
    """Say whether a link on another site led here: cookies set now are not sent along a redirect."""
    return request.headers.get("Sec-Fetch-Site", "none") not in _OWN_SITES


def nonce_of(request: web.Request) -> str:
    """Return this answer's nonce for styles and scripts, making it at first use."""
    nonce: str | None = request.get(NONCE)
    if nonce is None:
        nonce = request[NONCE] = secrets.token_urlsafe(18)
    return nonce


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add security headers to every answer, streams and errors included (aiohttp's `on_response_prepare`)."""
    response.headers.update(_ALWAYS)
    response.headers.setdefault("Cache-Control", "no-store")
    nonce: str | None = request.get(NONCE)
    response.headers["Content-Security-Policy"] = request.get(POLICY) or (_page_policy(nonce) if nonce else _NOTHING)
    response.headers["Server"] = "seawall"


def _page_policy(nonce: str) -> str:
    own = f"style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self'; img-src 'self'"
    return f"default-src 'none'; {own}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
