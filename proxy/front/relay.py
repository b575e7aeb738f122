"""Relay bytes between two sockets, untouched: what a spliced connection becomes once it is judged.

Nothing is read into Python objects but one copy for the write. One scratch buffer serves all tunnels, because the loop
fills it and hands it over without anything in between; an idle tunnel therefore holds no buffer of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_SCRATCH = bytearray(256 * 1024)
_VIEW = memoryview(_SCRATCH)


class Relay(asyncio.BufferedProtocol):
    """Write what arrives on one transport to its peer; flow control and half-close travel along.

    `on_end` is called once, when the first of the two ends is gone. What arrives before there is a peer is kept, and
    no more is read: a server that speaks first may do so before whoever dialled it gets its turn.
    """

    __slots__ = ("_early", "_ended", "_gone", "on_end", "peer", "received", "transport")

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.peer: Relay | None = None
        self.on_end: Callable[[], None] | None = None
        self.received = 0  # bytes
        self._ended = False
        self._gone = False
        self._early = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport of a connection that was just dialled."""
        self.transport = transport  # type: ignore[assignment]

    def get_buffer(self, sizehint: int) -> bytearray:
        """Lend the scratch buffer until `buffer_updated`."""
        return _SCRATCH

    def buffer_updated(self, nbytes: int) -> None:
        """Pass on what has arrived."""
        self.received += nbytes
        if self.peer is None:
            self._keep(nbytes)
        elif self.peer.transport:
            self.peer.transport.write(bytes(_VIEW[:nbytes]))

    def meet(self, peer: Relay) -> None:
        """Take a peer, and pass on what has arrived before."""
        self.peer = peer
        early, self._early = self._early, b""
        if early and peer.transport:
            peer.transport.write(early)
            if self.transport and not self.transport.is_closing():
                self.transport.resume_reading()
        if self._gone and peer.transport:
            peer.transport.close()

    def _keep(self, nbytes: int) -> None:
        self._early += bytes(_VIEW[:nbytes])
        if self.transport and not self.transport.is_closing():
            self.transport.pause_reading()

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
        self._gone = True
        peer, self.peer = self.peer, None
        self._tell_end()
        if peer:
            peer._tell_end()
            if peer.transport:
                peer.transport.close()

    def abort(self) -> None:
        """Drop the connection at once, and leave the peer alone."""
        self.peer = None
        if self.transport:
            self.transport.abort()

    def cut(self) -> None:
        """Drop both connections at once."""
        for end in (self, self.peer):
            if end and end.transport:
                end.transport.abort()

    @property
    def has_ended(self) -> bool:
        """Say whether this side has sent its last byte."""
        return self._ended

    def _tell_end(self) -> None:
        tell, self.on_end = self.on_end, None
        if tell:
            tell()


def join(client: Relay, upstream: Relay) -> None:
    """Make each the other's peer."""
    client.meet(upstream)
    upstream.meet(client)
