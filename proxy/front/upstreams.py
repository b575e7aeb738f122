"""The servers that one client's requests go to: one connection for each, kept for the next request to it.

A kept connection is used again only while its address is among those judged for that request, and only if nothing has
come over it that nobody asked for. Nothing is judged here.
"""

from __future__ import annotations

from collections import OrderedDict

from indicators.addresses import parse_address
from proxy.front.crossing import Passage
from proxy.front.dialing import dial
from proxy.front.stream import Stream

_KEPT = 8  # servers of one client


class Upstreams:
    """Hold one client's connections to servers."""

    def __init__(self) -> None:
        self._idle: OrderedDict[tuple[str, int], Stream] = OrderedDict()
        self._used: Stream | None = None

    def kept(self, passage: Passage) -> Stream | None:
        """Return the connection that was kept to a destination, if it may be used for it now."""
        found = self._idle.pop((passage.host, passage.port), None)
        if found is None or not _is_usable(found, passage):
            _close(found)
            return None
        self._used = found
        return found

    async def dialled(self, passage: Passage) -> Stream:
        """Return a new connection to a destination. Raises OSError or TimeoutError."""
        self._used = made = await dial(passage.addresses, passage.port, Stream)
        return made

    def keep(self, passage: Passage, stream: Stream) -> None:
        """Keep a connection whose answer has been read to its end."""
        self._used = None
        _close(self._idle.pop((passage.host, passage.port), None))
        self._idle[passage.host, passage.port] = stream
        if len(self._idle) > _KEPT:
            _close(self._idle.popitem(last=False)[1])

    def release(self) -> None:
        """Leave the connection that is being used to whoever has it now."""
        self._used = None

    def drop(self) -> None:
        """Close the connection that is being used: nothing more of it is wanted."""
        used, self._used = self._used, None
        if used:
            used.transport.abort()

    def close(self) -> None:
        """Close all connections."""
        self.drop()
        while self._idle:
            _close(self._idle.popitem()[1])


def _is_usable(stream: Stream, passage: Passage) -> bool:
    if stream.has_ended or stream.data or stream.transport.is_closing():
        return False
    peer = stream.transport.get_extra_info("peername")
    return peer is not None and parse_address(str(peer[0])) in passage.addresses


def _close(stream: Stream | None) -> None:
    if stream:
        stream.transport.abort()
