"""What a client has said so far over a stream of the tunnel, without taking it away from who reads next."""

from __future__ import annotations

from proxy.wireguard.userspace.stream import Stream

_AT_ONCE = 65535  # bytes
MOST = 64 * 1024  # bytes that are looked at before a client has said where it wants to go


class Said:
    """Read ahead. mitmproxy may then read from here as it would from the stream."""

    def __init__(self, stream: Stream) -> None:
        self.data = b""
        self._stream = stream

    async def some(self) -> None:
        """Wait until there is something. Raises ConnectionAbortedError when nothing will come."""
        while not self.data:
            await self.more()

    async def more(self) -> None:
        """Wait for more. Raises ConnectionAbortedError when none will come, or it says too much."""
        found = await self._stream.read(_AT_ONCE)
        if not found or len(self.data) + len(found) > MOST:
            raise ConnectionAbortedError("the client did not say which site it wants")
        self.data += found

    async def read(self, most: int) -> bytes:
        """Return what was read ahead, then what still comes."""
        if self.data:
            first, self.data = self.data[:most], self.data[most:]
            return first
        return await self._stream.read(most)
