"""The end of a connection of which another process has a copy that it may never look at.

A client learns of an end when the last copy is closed. An inspector that is stuck keeps those in its queue, so the
connection itself is ended, whoever holds it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket

from proxy.front.relay import Relay


class RelayHeldElsewhere(Relay):
    """Pass bytes on like any relay, and end the connection for all who hold it."""

    __slots__ = ()

    def connection_lost(self, exc: Exception | None) -> None:
        """End it."""
        super().connection_lost(exc)
        if self.transport:
            end_for_all(self.transport)


def end_for_all(transport: asyncio.Transport) -> None:
    """End a connection whose transport is about to close; what was written is still sent."""
    with contextlib.suppress(OSError), _copy(transport) as own:
        own.shutdown(socket.SHUT_RDWR)


def _copy(transport: asyncio.Transport) -> socket.socket:
    return socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno()))  # uvloop's own has no shutdown
