"""Leave trailers out where HTTP/1 is spoken: mitmproxy breaks at them, and a message that has some would never end.

Whoever passes a message on may do so (RFC 9110, 6.5.1); the front does. Nothing is judged here. Written against
mitmproxy 12.2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import h11
from mitmproxy.proxy.layers.http import _http1
from mitmproxy.proxy.layers.http._events import HttpEvent, RequestTrailers, ResponseTrailers

from addons.replacing import wrap
from addons.seams import Commands


def install() -> None:
    """Replace the functions; harmless when repeated."""
    wrap(_http1, "make_body_reader", _trimming)
    for end in (_http1.Http1Client, _http1.Http1Server):
        wrap(end, "send", _silent)


class _Trimmed:
    """Read a body as `reader` does; its end has no trailers."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader

    def __call__(self, buffer: Any) -> Any:
        """Return what comes next of the body; nothing while that is not whole."""
        event = self._reader(buffer)
        return h11.EndOfMessage() if isinstance(event, h11.EndOfMessage) else event

    def read_eof(self) -> Any:
        """Return what the end of the connection means for the body. Raises h11.ProtocolError."""
        return self._reader.read_eof()


def _trimming(original: Callable[[int | None], Any]) -> Any:
    """Wrap the choice of a body's reader."""

    def make_body_reader(expected_size: int | None) -> Any:
        reader = original(expected_size)
        return _Trimmed(reader) if expected_size is None else reader

    return make_body_reader


def _silent(original: Any) -> Any:
    """Wrap the sending of a message's parts: trailers, which HTTP/2 has brought, are none of them."""

    def send(self: Any, event: HttpEvent) -> Commands[None]:
        if not isinstance(event, RequestTrailers | ResponseTrailers):
            yield from original(self, event)

    return send
