"""DNS over HTTPS as an ASGI application (RFC 8484): what a request asks, and how its answer is told in HTTP.

The HTTP itself is hypercorn's. Nothing here knows a socket; who asks and what is answered is handed in.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from proxy.dns.answers import read_body
from proxy.dns.clients import Client
from proxy.dns.question import BadQueryError, read_query
from proxy.dns.records import BadReplyError

log = logging.getLogger(__name__)

PATH = "/dns-query"
MEDIA = b"application/dns-message"
_ACCEPTED = frozenset((MEDIA.decode(), "application/*", "*/*"))
_MAX_BODY = 65_535  # octets
_MAX_QUERY_STRING = 8192  # octets of a GET's `dns`; a longer question comes by POST
_BODY_WITHIN = 5.0  # seconds

type Headers = list[tuple[bytes, bytes]]
type Receive = Callable[[], Awaitable[Mapping[str, Any]]]
type Send = Callable[[dict[str, Any]], Awaitable[None]]
type Identify = Callable[[str, str], Client | None]  # token (empty for none) and address -> who asks
type Answer = Callable[[bytes, Client], Awaitable[bytes | None]]
type Takes = Callable[[Client], bool]


class RefusedError(ValueError):
    """Carry the HTTP status for a request that cannot be served, with a word for the person who sees it."""

    def __init__(self, status: int, reason: str, headers: Headers | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.headers = headers or []


class HttpsApplication:
    """Serve `/dns-query` and `/dns-query/TOKEN`. `takes` counts a client's question against its limit."""

    def __init__(self, identify: Identify, answer: Answer, takes: Takes) -> None:
        self._identify = identify
        self._answer = answer
        self._takes = takes

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request (ASGI 3)."""
        if scope["type"] != "http":
            await send({"type": f"{scope['type']}.close"})
            return
        try:
            status, headers, body = await self._respond(scope, receive)
        except RefusedError as refused:
            status, headers, body = refused.status, [*refused.headers, *_TEXT], f"{refused}\n".encode()
        except Exception:
            log.exception("a request failed")
            status, headers, body = 500, _TEXT, b"the gateway failed; its log says why\n"
        headers = [*headers, (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _respond(self, scope: Mapping[str, Any], receive: Receive) -> tuple[int, Headers, bytes]:
        client = self._client(scope)
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        packet = await _packet(scope, headers, receive)
        if not self._takes(client):
            raise RefusedError(429, "too many questions: dns.rate_limit", [(b"retry-after", b"1")])
        reply = await self._answer(packet, client)
        if reply is None:
            raise RefusedError(400, "not a DNS query")
        age = f"private, max-age={freshness(packet, reply)}".encode()
        return 200, [(b"content-type", MEDIA), (b"cache-control", age)], reply

    def _client(self, scope: Mapping[str, Any]) -> Client:
        path, _, token = scope["path"].rstrip("/").removeprefix(PATH).partition("/")
        if not scope["path"].startswith(PATH) or path or "/" in token:
            raise RefusedError(404, f"not found: the resolver is at {PATH}")
        peer = scope["client"]
        client = self._identify(token, peer[0]) if peer else None
        if client is None:
            why = "no device has this token" if token else "dns.allow_clients does not hold your address"
            raise RefusedError(403, why)
        return client


_TEXT: Headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]


async def _packet(scope: Mapping[str, Any], headers: Mapping[bytes, str], receive: Receive) -> bytes:
    """Return the query that a request carries. Raises RefusedError."""
    method = scope["method"]
    if method not in ("GET", "POST"):
        raise RefusedError(405, "GET or POST only", [(b"allow", b"GET, POST")])
    if not _accepts(headers.get(b"accept", "*/*")):
        raise RefusedError(406, f"answers are {MEDIA.decode()} only")
    if method == "GET":
        return _in_query_string(scope["query_string"])
    if headers.get(b"content-type", "").partition(";")[0].strip().lower() != MEDIA.decode():
        raise RefusedError(415, f"the body must be {MEDIA.decode()}")
    try:
        async with asyncio.timeout(_BODY_WITHIN):
            return await _body(receive)
    except TimeoutError:
        raise RefusedError(408, "the body did not come in time") from None


def _accepts(text: str) -> bool:
    offered = (one.partition(";")[0].strip().lower() for one in text.split(","))
    return not _ACCEPTED.isdisjoint(offered)


def _in_query_string(text: bytes) -> bytes:
    """Decode the parameter `dns`: base64url without padding (RFC 8484 section 4.1)."""
    if len(text) > _MAX_QUERY_STRING:
        raise RefusedError(414, "too long: ask by POST")
    found = parse_qs(text.decode("latin-1"), max_num_fields=8) if text.count(b"&") < 8 else {}
    values = found.get("dns", [])
    if len(values) != 1:
        raise RefusedError(400, "one parameter `dns` is expected")
    (value,) = values
    try:
        return base64.b64decode(value + "=" * (-len(value) % 4), altchars="-_", validate=True)
    except (binascii.Error, ValueError):
        raise RefusedError(400, "`dns` is not base64url") from None


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise RefusedError(400, "the request was given up")
        body += bytes(message.get("body", b""))
        if len(body) > _MAX_BODY:
            raise RefusedError(413, f"a DNS message has {_MAX_BODY} octets at most")
        if not message.get("more_body", False):
            return body


def freshness(packet: bytes, reply: bytes) -> int:
    """Return how many seconds a reply may be kept: its shortest TTL, or what its SOA says; 0 for a failure."""
    try:
        return read_body(reply, len(read_query(packet).question)).lifetime
    except (BadQueryError, BadReplyError):
        return 0
