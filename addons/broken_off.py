"""The seam by which an answer that broke off is told from one that has ended with its connection.

Where a body has no length, its end is that of the connection; mitmproxy takes a reset for that, and passes a part on as
the whole. Here a reset is an error, and the client's connection is reset in its turn. As in `seams.py` nothing is
judged. Written against mitmproxy 12.2.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import Any

from mitmproxy import connection
from mitmproxy.net.http import http1
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.layers.http._base import ReceiveHttp
from mitmproxy.proxy.layers.http._events import ErrorCode, HttpEvent, ResponseProtocolError
from mitmproxy.proxy.layers.http._http1 import Http1Client, Http1Server

from addons.replacing import wrap
from addons.seams import Commands, io_of

_AT_ONCE = struct.pack("ii", 1, 0)


def install() -> None:
    """Replace the functions; harmless when repeated."""
    wrap(Http1Client, "read_body", _unless_reset)
    wrap(Http1Server, "send", _resetting)


def _unless_reset(original: Any) -> Any:
    """Wrap the reading of an answer's body: a connection that was reset ends none."""

    def read_body(self: Http1Client, event: events.Event) -> Commands[None]:
        if not (isinstance(event, events.ConnectionClosed) and _was_reset(self.context.client, self.conn)):
            yield from original(self, event)
            return
        assert self.stream_id is not None  # noqa: S101 - a body is that of a stream
        yield commands.CloseConnection(self.conn)
        why = "the server has reset the connection"
        yield ReceiveHttp(ResponseProtocolError(self.stream_id, why, ErrorCode.GENERIC_SERVER_ERROR))

    return read_body


def _was_reset(client: connection.Client, server: connection.Connection) -> bool:
    io = io_of(client, server)
    reader = io.reader if io is not None else None
    return isinstance(reader, asyncio.StreamReader) and reader.exception() is not None


def _resetting(original: Any) -> Any:
    """Wrap the answering of a client: one that would take the end of its connection for that of the body is reset."""

    def send(self: Http1Server, event: HttpEvent) -> Commands[None]:
        if isinstance(event, ResponseProtocolError) and _ends_with_its_connection(self):
            _reset(self.context.client)
        yield from original(self, event)

    return send


def _ends_with_its_connection(self: Http1Server) -> bool:
    if self.request is None or self.response is None:
        return False
    with contextlib.suppress(ValueError):
        return http1.expected_http_body_size(self.request, self.response) == -1
    return False


def _reset(client: connection.Client) -> None:
    io = io_of(client, client)
    if io is not None and isinstance(io.writer, asyncio.StreamWriter):
        with contextlib.suppress(OSError):
            io.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        io.writer.transport.abort()
