"""The places where mitmproxy offers no hook and one of its functions is replaced or wrapped, each with its reason.

Nothing is judged here: each seam asks the addons through a hook of our own and does what they say. Written against
mitmproxy 12.2; a test fails when one of the functions is no longer what it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from mitmproxy import connection, ctx, http
from mitmproxy.net.http import http1
from mitmproxy.proxy import commands, context, events, layer
from mitmproxy.proxy.layers import modes, tls
from mitmproxy.proxy.layers.http import HttpStream, SendHttp
from mitmproxy.proxy.layers.http._events import ResponseEndOfMessage
from mitmproxy.proxy.layers.http._http1 import Http1Server
from mitmproxy.proxy.server import ConnectionIO

from addons.http_heads import unfit
from addons.replacing import wrap

ACCESS_DENIED = 49  # TLS alert (RFC 8446, 6.2)
INTERNAL_ERROR = 80
_NOT_ALLOWED = b"\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00"  # SOCKS5: connection not allowed by ruleset (RFC 1928, 6)

_BAD_REQUEST = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s\n"
)

type Commands[T] = Generator[commands.Command, Any, T]


@dataclass
class Destination:
    """Ask about a destination of SOCKS5 or redirected traffic. `refused` is a reason, `dial` asks to connect now."""

    context: context.Context
    refused: str = ""
    by_rule: bool = False
    dial: bool = False


@dataclass
class SeawallDestinationHook(commands.StartHook):
    """A SOCKS5 or redirected connection has said where it wants to go; nothing was sent there yet."""

    data: Destination


@dataclass
class SeawallUpstreamReadyHook(commands.StartHook):
    """An upstream connection stands and its certificate is known; the request has not been sent."""

    flow: http.HTTPFlow


def install() -> None:
    """Replace the functions; harmless when repeated, and while no addon of ours is loaded."""
    modes.DestinationKnown.finish_start = _finish_start  # type: ignore[method-assign]
    HttpStream.handle_connect_regular = _handle_connect  # type: ignore[method-assign]
    wrap(HttpStream, "make_server_connection", _upstream_ready)
    wrap(http1, "read_request_head", _with_target)
    wrap(Http1Server, "read_headers", _strictly)
    wrap(modes.Socks5Proxy, "state_connect", _with_reason)


def _strictly(original: Any) -> Any:
    """Wrap the reading of request heads: one that could be read in two ways, or has no end, is answered 400."""

    def read_headers(self: Http1Server, event: events.ConnectionEvent) -> Commands[None]:
        why = unfit(bytes(self.buf)) if isinstance(event, events.DataReceived) else ""
        if not why:
            yield from original(self, event)
            return
        yield commands.SendData(self.conn, _BAD_REQUEST % (len(why) + 1, why.encode()))
        yield commands.CloseConnection(self.conn)
        self.state = self.done

    return read_headers


def _with_target(original: Callable[[list[bytes]], http.Request]) -> Callable[[list[bytes]], http.Request]:
    """Wrap the reading of request heads: keep the host of a target in absolute form, which mitmproxy soon drops."""

    def read_request_head(lines: list[bytes]) -> http.Request:
        request = original(lines)
        request.seawall_target = "" if request.method == "CONNECT" else request.authority  # type: ignore[attr-defined]
        return request

    return read_request_head


def target_of(request: http.Request) -> str:
    """Return the authority of a target in absolute form, as it was sent; empty for another form."""
    return getattr(request, "seawall_target", "")


def override_host(request: http.Request) -> None:
    """Let the host of a target in absolute form override `Host` (RFC 9112, 3.2.2), once both were judged."""
    target = target_of(request)
    if target:
        request.headers["host"] = target


def refuse_tls(of: context.Context, alert: int) -> None:
    """Answer the ClientHello that is being looked at with a fatal alert; called from the `tls_clienthello` hook."""

    def start_tls() -> Commands[None]:
        yield commands.SendData(of.client, bytes((21, 3, 3, 0, 2, 2, alert)))
        yield commands.CloseConnection(of.client)

    _hello(of).start_tls = start_tls  # type: ignore[method-assign]


def server_tls_first(of: context.Context) -> None:
    """Handshake with a server that was dialled at once before the client's handshake goes on.

    mitmproxy takes a connection that is open for one whose TLS is established; called from `tls_clienthello`.
    """
    hello = _hello(of)
    original = hello.start_tls

    def start_tls() -> Commands[None]:
        yield from hello.start_server_tls()
        yield from original()

    hello.start_tls = start_tls  # type: ignore[method-assign]


def _hello(of: context.Context) -> tls.ClientTLSLayer:
    return next(found for found in reversed(of.layers) if isinstance(found, tls.ClientTLSLayer))


def hang_up(client: connection.Client, server: connection.Server | None = None) -> None:
    """End a connection at once: the client's with all that belongs to it, or one attempt to reach a server.

    The socket is closed rather than mitmproxy's task cancelled: cancelled while data is waiting, the task goes without
    closing it, and so does `flow.kill()`.
    """
    io = io_of(client, server or client)
    if io is None:
        return
    if isinstance(io.writer, asyncio.StreamWriter):
        io.writer.transport.abort()
    elif io.handler is not None:
        io.handler.cancel("ended by seawall")


def close_socket(client: connection.Client) -> None:
    """Close what mitmproxy may have left open of a client that it is done with; called from `client_disconnected`.

    A task that is cancelled while it waits for anything but data ends without closing its socket.
    """
    io = io_of(client, client)
    if io is not None and isinstance(io.writer, asyncio.StreamWriter):
        io.writer.close()


def io_of(client: connection.Client, end: connection.Connection) -> ConnectionIO | None:
    """Return what mitmproxy has of one of a client's connections: reader, writer and task."""
    proxy = ctx.master.addons.get("proxyserver")
    handler = proxy.connections.get(client.id) if proxy else None
    return handler.transports.get(end) if handler else None


def _finish_start(self: modes.DestinationKnown) -> Commands[str | None]:
    """Ask about the destination, then go on as mitmproxy does; a server that speaks first is dialled at once."""
    asked = Destination(self.context)
    yield SeawallDestinationHook(asked)
    error: str | None = asked.refused or None
    if (
        not error
        and self.context.server.address
        and (asked.dial or self.context.options.connection_strategy == "eager")
    ):
        error = yield commands.OpenConnection(self.context.server)
    if error:
        self._handle_event = self.done  # type: ignore[method-assign]
        self.seawall_by_rule = asked.by_rule  # type: ignore[attr-defined]
        return error
    self._handle_event = self.child_layer.handle_event  # type: ignore[method-assign]
    yield from self.child_layer.handle_event(events.Start())
    return None


def by_way_of(each: Callable[[commands.Command], Commands[Any]], steps: Commands[None]) -> Commands[None]:
    """Go through the steps of a layer; `each` yields every command in its own way and returns the answer to it."""
    answer = None
    while True:
        try:
            command = steps.send(answer)
        except StopIteration:
            return
        answer = yield from each(command)


def _with_reason(original: Any) -> Any:
    """Wrap a SOCKS5 state so that a refusal by rule is answered as one (reply 2), not as an unreachable host."""

    def state_connect(self: modes.Socks5Proxy) -> Commands[None]:
        def each(command: commands.Command) -> Commands[Any]:
            if getattr(self, "seawall_by_rule", False) and isinstance(command, commands.SendData):
                command = commands.SendData(command.connection, _NOT_ALLOWED)
            return (yield command)

        yield from by_way_of(each, original(self))

    return state_connect


DIAL = "seawall_dial"  # in a CONNECT flow's metadata: connect upstream before answering


def _handle_connect(self: HttpStream) -> Commands[None]:
    """Dial at once where an addon asked for it, so that a server that speaks first is heard."""
    wanted = self.flow.metadata.get(DIAL) or self.context.options.connection_strategy == "eager"
    if wanted and not self.flow.response:
        error = yield commands.OpenConnection(self.context.server)
        if error:
            self.flow.response = http.Response.make(502, f"Cannot connect: {error}\n", {"Content-Type": "text/plain"})
    self.child_layer = layer.NextLayer(self.context)
    yield from self.handle_connect_finish()


def _upstream_ready(original: Any) -> Any:
    """Wrap the making of an upstream connection: an addon may still answer the request itself."""

    def make_server_connection(self: HttpStream) -> Commands[bool]:
        ok: bool = yield from original(self)
        if not ok:
            return False
        yield SeawallUpstreamReadyHook(self.flow)
        if (yield from self.check_killed(True)):
            if self.context.server.alpn != b"h2":  # nobody else's: it would stand unused
                yield commands.CloseConnection(self.context.server)
            return False
        if self.flow.response is None:
            return True
        yield commands.CloseConnection(self.context.server)
        yield from self.send_response()
        if self.client_state != self.state_done:  # the request's body is still coming; the answer is whole all the same
            yield SendHttp(ResponseEndOfMessage(self.stream_id), self.context.client)
        return False

    return make_server_connection
