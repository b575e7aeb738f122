"""Relay bytes between two sockets, untouched: what a spliced connection becomes once it is judged.

Nothing is read into Python objects but one copy for the write. One scratch buffer serves all tunnels, because the loop
fills it and hands it over without anything in between; an idle tunnel therefore holds no buffer of its own.
"""

from __future__ import annotations

import asyncio

_SCRATCH = bytearray(256 * 1024)
_VIEW = memoryview(_SCRATCH)


class Relay(asyncio.BufferedProtocol):
    """Write what arrives on one transport to its peer; flow control and half-close travel along."""

    __slots__ = ("__weakref__", "_ended", "peer", "received", "transport")

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.peer: Relay | None = None
        self.received = 0  # bytes
        self._ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport of a connection that was just dialled."""
        self.transport = transport  # type: ignore[assignment]

    def get_buffer(self, sizehint: int) -> bytearray:
        """Lend the scratch buffer until `buffer_updated`."""
        return _SCRATCH

    def buffer_updated(self, nbytes: int) -> None:
        """Pass on what has arrived."""
        self.received += nbytes
        if self.peer and self.peer.transport:
            self.peer.transport.write(bytes(_VIEW[:nbytes]))

    def pause_writing(self) -> None:
        """Stop reading from the peer while this side cannot keep up."""
        if self.peer and self.peer.transport and not self.peer.transport.is_closing():
            self.peer.transport.pause_reading()

    def resume_writing(self) -> None:
        """Read from the peer again."""
        if self.peer and self.peer.transport and not self.peer.transport.is_closing():
            self.peer.transport.resume_reading()

    def eof_received(self) -> bool:
        """Pass a half-close on; true keeps this side open for what the peer still sends."""
        self._ended = True
        if self.peer is None or self.peer.transport is None or self.peer.has_ended:
            return False
        if self.peer.transport.can_write_eof():
            self.peer.transport.write_eof()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Close the other side when this one is gone."""
        if self.peer and self.peer.transport:
            self.peer.transport.close()

    def abort(self) -> None:
        """Drop the connection at once, and leave the peer alone."""
        self.peer = None
        if self.transport:
            self.transport.abort()

    @property
    def has_ended(self) -> bool:
        """Say whether this side has sent its last byte."""
        return self._ended


def join(client: Relay, upstream: Relay) -> None:
    """Make each the other's peer."""
    client.peer, upstream.peer = upstream, client
