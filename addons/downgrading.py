"""What an HTTP/2 request must be like, since its server may be told it as HTTP/1: one message that is read in one way.

mitmproxy writes method and path into an HTTP/1 request line as they came, and a body without a length behind the head
as it is, where a server takes it for the next request: one that nobody has judged. As in `seams.py` nothing is judged
here. Written against mitmproxy 12.2.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from mitmproxy import http
from mitmproxy.proxy.layers.http import _http2
from mitmproxy.proxy.layers.http._events import HttpEvent, RequestHeaders
from mitmproxy.proxy.layers.http._http1 import Http1Client

from addons.replacing import wrap
from addons.seams import Commands

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, 5.6.2
_PATH = re.compile(rb"/[^\x00-\x20\x7f]*|\*")

type Fields = Sequence[tuple[bytes, bytes]]


def install() -> None:
    """Replace the functions; harmless when repeated."""
    wrap(Http1Client, "send", _framing)
    wrap(_http2, "parse_h2_request_headers", _strictly)


def unfit(fields: Fields) -> str:
    """Say why a request of HTTP/2 would not be the same one in HTTP/1; empty when it would (RFC 9113, 8.3.1)."""
    given = dict(fields)
    if not _TOKEN.fullmatch(given.get(b":method", b"")):
        return "a method that is no token"
    if not _PATH.fullmatch(given.get(b":path", b"")):
        return "a path that does not begin with a slash, or has spaces"
    return "two content-length fields" if [name for name, _ in fields].count(b"content-length") > 1 else ""


def _strictly(original: Any) -> Any:
    """Wrap the reading of request heads: what is unfit ends the connection, as other malformed ones do."""

    def parse_h2_request_headers(fields: Fields) -> Any:
        why = unfit(fields)
        if why:
            raise ValueError(why)
        return original(fields)

    return parse_h2_request_headers


def _framing(original: Any) -> Any:
    """Wrap the sending of a request to a server of HTTP/1: its head says how long the body is, as it really came."""

    def send(self: Http1Client, event: HttpEvent) -> Commands[None]:
        if isinstance(event, RequestHeaders) and event.request.is_http2:
            _frame(event.request, has_body=not event.end_stream)
        yield from original(self, event)

    return send


def _frame(request: http.Request, has_body: bool) -> None:
    if has_body and "content-length" not in request.headers:
        request.headers["transfer-encoding"] = "chunked"
    elif not has_body and request.headers.get("content-length", "0") != "0":
        del request.headers["content-length"]  # it has ended without the body that it spoke of
