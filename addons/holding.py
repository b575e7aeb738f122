"""The seams by which bodies are held: mitmproxy can collect a body, but not refuse, delay or forget one.

As in `seams.py` nothing is judged here: hooks of our own ask the addons. Written against mitmproxy 12.2; a test fails
when one of the functions is no longer what it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mitmproxy import connection, http
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.layers.http import HttpStream, SendHttp
from mitmproxy.proxy.layers.http._events import ErrorCode, RequestProtocolError
from mitmproxy.proxy.layers.http._hooks import HttpResponseHeadersHook

from addons.replacing import wrap
from addons.seams import Commands, by_way_of, io_of

HELD = "seawall_held"  # in a flow's metadata: the body is being collected
WITHHELD = "seawall_withheld"  # in a flow's metadata: nothing of its body may be sent, however long it grows
NO_ROOM = "seawall_no_room"  # in a flow's metadata: its body has to wait for room
FORGOTTEN = "seawall_forgotten"  # in a flow's metadata: its body is dropped once it was sent


@dataclass
class SeawallOutgrownHook(commands.StartHook):
    """A held body has outgrown what may be held. Of a withheld one nothing was sent: set a response that answers."""

    flow: http.HTTPFlow


@dataclass
class SeawallRoomHook(commands.StartHook):
    """A body that is to be held found no room; nothing of it was taken yet, and none is until the hook returns."""

    flow: http.HTTPFlow


def install() -> None:
    """Replace the functions; harmless when repeated, and while no addon of ours is loaded."""
    wrap(HttpStream, "start_response_stream", _unless_withheld)
    wrap(HttpStream, "state_wait_for_response_headers", _in_turn)
    wrap(HttpStream, "send_response", _forgetting)
    wrap(HttpStream, "handle_protocol_error", _forgetting)


def _unless_withheld(original: Any) -> Any:
    """Wrap the start of streaming a body that has outgrown its limit: one that is withheld is answered otherwise."""

    def start_response_stream(self: HttpStream) -> Commands[None]:
        if not self.flow.metadata.get(WITHHELD):
            if self.flow.metadata.get(HELD):
                yield SeawallOutgrownHook(self.flow)
            yield from original(self)
            return
        yield SeawallOutgrownHook(self.flow)
        gone = RequestProtocolError(self.stream_id, "the body is too long", ErrorCode.CANCEL)
        yield SendHttp(gone, self.context.server)
        self.server_state = self.state_errored
        yield from self.send_response()

    return start_response_stream


def _in_turn(original: Any) -> Any:
    """Wrap the state of response headers: between their hook and the body, wait for room where there was none.

    A hook of its own, since a `responseheaders` that may wait would cost every response a task.
    """

    def state_wait_for_response_headers(self: HttpStream, event: events.Event) -> Commands[None]:
        def each(command: commands.Command) -> Commands[Any]:
            answer = yield command
            if isinstance(command, HttpResponseHeadersHook) and self.flow.metadata.pop(NO_ROOM, False):
                yield SeawallRoomHook(self.flow)
            return answer

        yield from by_way_of(each, original(self, event))

    return state_wait_for_response_headers


def _forgetting(original: Any) -> Any:
    """Wrap what is done last with a body: a flow is part of cycles that are not looked for until much later."""

    def last(self: HttpStream, *args: Any, **more: Any) -> Commands[None]:
        yield from original(self, *args, **more)
        if self.flow.metadata.get(FORGOTTEN) and self.flow.response is not None:
            self.flow.response.data.content = None
            self.response_body_buf.clear()

    return last


def stop_reading(client: connection.Client, server: connection.Server) -> Callable[[], None]:
    """Read no more from a server until the callable that is returned is called.

    mitmproxy reads on while a hook waits, and keeps it all. Its reader's own flow control then holds the server back.
    """
    io = io_of(client, server)
    reader = io.reader if io is not None else None
    if not isinstance(reader, asyncio.StreamReader):
        return lambda: None
    original, on = reader.read, asyncio.Event()

    async def read(n: int = -1) -> bytes:
        await on.wait()
        return await original(n)

    def read_on() -> None:
        reader.read = original  # type: ignore[method-assign]
        on.set()

    reader.read = read  # type: ignore[method-assign]
    return read_on
