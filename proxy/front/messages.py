"""Heads of HTTP messages on their way through the front: responses read, both written anew. Sans-IO.

What is between us and one neighbour only (RFC 9110, section 7.6.1) goes no further, and neither do passwords for us,
nor the invitation to HTTP/3. Nothing is judged here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import httptools

from addons.http_heads import MAX_HEAD, ambiguity_of
from proxy.front.bodies import Body, Chunked, Counted, UntilEnd
from proxy.front.greetings import Head, Request

_HOP_BY_HOP = frozenset(
    (
        *("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"),
        *("proxy-authenticate", "proxy-authentication-info", "proxy-authorization", "proxy-connection"),
    )
)
_OURS = frozenset(("host", "content-length"))  # written anew
_NO_BODY = frozenset((204, 304))


class ResponseError(ValueError):
    """Say why bytes of a server are no response that can be read in one way only."""


@dataclass(frozen=True, slots=True)
class Response:
    """Hold the head of a response; `head` is how many bytes it took."""

    status: int
    reason: bytes
    fields: tuple[tuple[bytes, bytes], ...]
    headers: Mapping[str, str]
    version: str
    head: int

    @property
    def is_interim(self) -> bool:
        """Say whether another response follows to the same request."""
        return 100 <= self.status < 200 and self.status != 101

    @property
    def keeps_alive(self) -> bool:
        """Say whether the server will take another request after this one."""
        return self.version == "1.1" and not is_last(self.headers)


def read_response(data: bytes) -> Response | None:
    """Return the head of a response, or nothing while it is not whole. Raises ResponseError."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        if len(data) > MAX_HEAD or (data and not data.startswith(b"HTTP/"[: len(data)])):
            raise ResponseError("no response head")
        return None
    head = data[: end + 4]
    if why := ambiguity_of(head[:-4].split(b"\r\n")):
        raise ResponseError(why)
    found = Head()
    parser = httptools.HttpResponseParser(found)
    try:
        parser.feed_data(head)
    except httptools.HttpParserUpgrade:
        pass
    except httptools.HttpParserError as error:
        raise ResponseError(str(error)) from None
    fields, version = tuple(found.fields), parser.get_http_version()
    return Response(parser.get_status_code(), found.reason, fields, found.by_name(), version, end + 4)


def tokens(value: str) -> frozenset[str]:
    """Return the words of a comma-separated header, in lower case."""
    return frozenset(part.strip().lower() for part in value.split(","))


def is_last(headers: Mapping[str, str]) -> bool:
    """Say whether the sender of a message of HTTP/1.1 will close its connection after it."""
    return any("close" in tokens(headers.get(name, "")) for name in ("connection", "proxy-connection"))


def body_of_request(request: Request) -> Body:
    """Return the reader of a request's body."""
    if "transfer-encoding" in request.headers:
        return Chunked()
    return Counted(int(request.headers.get("content-length") or 0))


def body_of_response(response: Response, method: str) -> Body:
    """Return the reader of the body of a response to a method (RFC 9112, section 6.3)."""
    if method == "HEAD" or response.status in _NO_BODY:
        return Counted(0)
    if "transfer-encoding" in response.headers:
        return Chunked()
    length = response.headers.get("content-length")
    return UntilEnd() if length is None else Counted(int(length))


def size_of_response(response: Response, method: str) -> int | None:
    """Return the length of the body; nothing where it is not said."""
    body = body_of_response(response, method)
    if not isinstance(body, Counted):
        return None
    return 0 if body.done else int(response.headers["content-length"])


def write_request(request: Request, target: str, host: str) -> bytes:
    """Return a request's head for its server, in origin form."""
    lines = [f"{request.method} {target} HTTP/1.1".encode("latin-1"), b"Host: " + host.encode("latin-1")]
    lines += _end_to_end(request.fields, request.headers, _OURS)
    lines += _framed(request.headers)
    if request.upgrades:
        lines += (b"Connection: Upgrade", b"Upgrade: " + request.headers.get("upgrade", "").encode("latin-1"))
    return b"\r\n".join((*lines, b"", b""))


def write_response(response: Response, *, last: bool) -> bytes:
    """Return a response's head for the client; `last` says that the connection ends with it."""
    lines = [b"HTTP/1.1 %d %s" % (response.status, response.reason)]
    lines += _end_to_end(response.fields, response.headers, frozenset(("content-length", "alt-svc")))
    if response.status >= 200 and response.status != 204:
        lines += _framed(response.headers)
    if response.status == 101:
        lines += (b"Connection: Upgrade", b"Upgrade: " + response.headers.get("upgrade", "").encode("latin-1"))
    elif last and response.status >= 200:
        lines.append(b"Connection: close")
    return b"\r\n".join((*lines, b"", b""))


def _end_to_end(
    fields: Iterable[tuple[bytes, bytes]], headers: Mapping[str, str], but: frozenset[str]
) -> Iterator[bytes]:
    dropped = _HOP_BY_HOP | but | tokens(headers.get("connection", ""))
    return (name + b": " + value for name, value in fields if name.decode("latin-1").lower() not in dropped)


def _framed(headers: Mapping[str, str]) -> list[bytes]:
    """Return the one header that says where the body ends."""
    if "transfer-encoding" in headers:
        return [b"Transfer-Encoding: chunked"]
    length = headers.get("content-length")
    return [] if length is None else [b"Content-Length: " + length.encode("latin-1")]
