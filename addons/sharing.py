"""The seam by which the streams of an HTTP/2 client share connections to a server that speaks only HTTP/1.

mitmproxy opens a connection for each stream, five at a time, and closes it after its answer; a stream that waits for a
place longer than a server is given to accept is never answered. Here at most `MOST` stand, each is used again while it
is fresh, and what finds none free waits for one. As in `seams.py` nothing is judged. Written against mitmproxy 12.2.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from mitmproxy.connection import Connection
from mitmproxy.net.http import http1
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.layers.http import (
    GetHttpConnection,
    GetHttpConnectionCompleted,
    HttpLayer,
    RegisterHttpConnection,
)
from mitmproxy.proxy.layers.http._http1 import Http1Client, should_make_pipe

from addons.replacing import wrap
from addons.seams import Commands

MOST = 5  # connections of one client to one server: as many as mitmproxy opens at a time
FRESH = 4.0  # seconds without a request; servers close theirs after five or more
_HTTP2 = b"h2"


@dataclass(slots=True)
class _Shared:
    """Hold the free connections of one client, since when they are, and the streams that wait for one."""

    free: dict[Connection, float] = field(default_factory=dict)
    waiting: deque[GetHttpConnection] = field(default_factory=deque)


def install() -> None:
    """Replace the functions; harmless when repeated."""
    wrap(HttpLayer, "get_connection", _sharing)
    wrap(HttpLayer, "register_connection", _freeing)
    wrap(HttpLayer, "_handle_event", _going_on)
    wrap(Http1Client, "mark_done", _keeping)


def _sharing(original: Any) -> Any:
    """Wrap the search for a stream's connection."""

    def get_connection(self: HttpLayer, event: GetHttpConnection, *, reuse: bool = True) -> Commands[None]:
        if self.context.client.alpn != _HTTP2:
            yield from original(self, event, reuse=reuse)
            return
        known = [each for each in self.connections if event.connection_spec_matches(each)]
        coming = [each for each in known if each in self.waiting_for_establishment]
        standing = [each for each in known if each.connected and each.alpn != _HTTP2 and each not in coming]
        free = yield from _fresh(self, standing)
        if free:
            yield from _give(self, event, free)
        elif (standing or not reuse) and len(standing) + len(coming) >= MOST:
            _of(self).waiting.append(event)
        else:
            yield from original(self, event, reuse=reuse and not standing)

    return get_connection


def _fresh(self: HttpLayer, standing: list[Connection]) -> Commands[Connection | None]:
    """Return a free connection; close those that the server may be about to close."""
    free = _of(self).free
    for each in [each for each in standing if each in free]:
        if time.monotonic() - free[each] < FRESH:
            return each
        del free[each]
        standing.remove(each)
        yield commands.CloseConnection(each)
    return None


def _give(self: HttpLayer, event: GetHttpConnection, connection: Connection) -> Commands[None]:
    _of(self).free.pop(connection, None)
    stream = self.command_sources.pop(event)
    yield from self.event_to_child(stream, GetHttpConnectionCompleted(event, (connection, None)))


def _freeing(original: Any) -> Any:
    """Wrap the word that a connection can be used: also one whose answer has ended says so, by `_keeping`."""

    def register_connection(self: HttpLayer, command: RegisterHttpConnection) -> Commands[None]:
        if command.connection in self.waiting_for_establishment:
            yield from original(self, command)
        else:
            _of(self).free[command.connection] = time.monotonic()
        yield from _go_on(self)

    return register_connection


def _going_on(original: Any) -> Any:
    """Wrap the handling of events: where a connection has ended, another may take its place."""

    def _handle_event(self: HttpLayer, event: events.Event) -> Commands[None]:
        yield from original(self, event)
        if isinstance(event, events.ConnectionClosed) and event.connection is not self.context.client:
            _of(self).free.pop(event.connection, None)
            yield from _go_on(self)

    return _handle_event


def _go_on(self: HttpLayer) -> Commands[None]:
    """Look for a connection once more for everybody who waits; who finds none waits on, in the same order.

    Once the client has gone nothing is dialled for it: mitmproxy is ending its connections one by one.
    """
    waiting = _of(self).waiting
    for _ in range(len(waiting)):
        if waiting and self.context.client.connected:
            yield from self.get_connection(waiting.popleft(), reuse=False)


def _keeping(original: Any) -> Any:
    """Wrap the end of a request or its answer: an HTTP/2 client's connection stays where an HTTP/1 client's would."""

    def mark_done(self: Http1Client, *, request: bool = False, response: bool = False) -> Commands[None]:
        whole = (request or self.request_done) and (response or self.response_done)
        if not (whole and _lasts(self)):
            yield from original(self, request=request, response=response)
            return
        self.request_done = self.response_done = False
        self.request = self.response = self.stream_id = None
        self.state = self.read_headers
        yield RegisterHttpConnection(self.conn, None)

    return mark_done


def _lasts(self: Http1Client) -> bool:
    request, response = self.request, self.response
    if request is None or response is None or not request.is_http2 or self.buf or not self.conn.connected:
        return False
    if should_make_pipe(request, response):
        return False
    return not http1.connection_close(response.http_version, response.headers)


def _of(self: HttpLayer) -> _Shared:
    found: _Shared | None = getattr(self, "seawall_shared", None)
    if found is None:
        found = self.seawall_shared = _Shared()  # type: ignore[attr-defined]
    return found
