"""Pass on a device's datagrams between its tunnel and one destination that was judged, until both are silent.

Nothing is judged here. Each pair of addresses has a socket of its own, so answers find their way back.
"""

from __future__ import annotations

import asyncio
import logging

from indicators.observation import Address
from proxy.wireguard.userspace.stream import Stream

IDLE = 60.0  # seconds of silence on both sides
_AT_ONCE = 65535  # bytes

log = logging.getLogger(__name__)


class _Back(asyncio.DatagramProtocol):
    """Write what comes back into the tunnel; datagrams that do not fit are lost, as datagrams are."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.heard = asyncio.get_running_loop().time()

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.heard = asyncio.get_running_loop().time()
        try:
            self._stream.write(data)
        except OSError as problem:
            log.debug("an answer found no way back: %s", problem)

    def error_received(self, exc: Exception) -> None:
        log.debug("a destination refuses datagrams: %s", exc)


async def relay(stream: Stream, to: Address, port: int, idle: float = IDLE) -> None:
    """Pass datagrams on in both directions. Raises OSError where there is no way to the destination."""
    loop = asyncio.get_running_loop()
    out, back = await loop.create_datagram_endpoint(lambda: _Back(stream), remote_addr=(str(to), port))
    silent_until = loop.time() + idle
    try:
        while True:
            try:
                async with asyncio.timeout_at(max(silent_until, back.heard + idle)):
                    found = await stream.read(_AT_ONCE)
            except TimeoutError:
                if loop.time() >= back.heard + idle:
                    return
                continue
            if not found:
                return
            out.sendto(found)
            silent_until = loop.time() + idle
    finally:
        out.close()
