"""The bytes of one connection, taken when they are asked for and written no faster than they are read at the far end.

What a side sends before somebody asks for it is held up to a bound, then the kernel makes the sender wait. What the
bytes mean is not known here.
"""

from __future__ import annotations

import asyncio
from typing import cast

HELD = 64 * 1024  # bytes that are held of a side before it has to wait; one read may go beyond by as much
_SCRATCH = bytearray(HELD)  # the loop fills it and hands it over without anything in between
_VIEW = memoryview(_SCRATCH)


class Stream(asyncio.BufferedProtocol):
    """Hold one connection. `data` is what has arrived and nobody has taken yet."""

    __slots__ = ("_broken", "_ended", "_full", "_news", "_room", "data", "transport")

    def __init__(self) -> None:
        self.data = b""
        self._ended = False
        self._broken = False
        self._full = False
        self._news: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport = cast("asyncio.Transport", transport)

    def get_buffer(self, sizehint: int) -> bytearray:
        """Lend the scratch buffer until `buffer_updated`."""
        return _SCRATCH

    def buffer_updated(self, nbytes: int) -> None:
        """Keep what was sent until somebody asks for it."""
        self.data += _VIEW[:nbytes]
        if len(self.data) >= HELD and not self._full:
            self._full = True
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """Note that no more will come; what has come is still served."""
        self._ended = True
        self._wake()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake whoever waits: neither bytes nor room will come."""
        self._ended, self._broken = True, self._broken or exc is not None
        self._wake()
        self.resume_writing()

    def pause_writing(self) -> None:
        """Have writers wait."""
        if self._room is None:
            self._room = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        """Let writers go on."""
        room, self._room = self._room, None
        if room and not room.done():
            room.set_result(None)

    @property
    def has_ended(self) -> bool:
        """Say whether this side has sent its last byte."""
        return self._ended

    @property
    def is_broken(self) -> bool:
        """Say whether the connection was lost rather than ended."""
        return self._broken

    async def more(self) -> None:
        """Wait for more bytes. Raises ConnectionAbortedError when none will come."""
        if self._ended:
            raise ConnectionAbortedError("no more bytes will come")
        self.read_on()
        self._news = asyncio.get_running_loop().create_future()
        await self._news

    async def some(self) -> None:
        """Wait until there is something. Raises ConnectionAbortedError when nothing will come."""
        while not self.data:
            await self.more()

    def take(self) -> bytes:
        """Return what has arrived; it is no longer held."""
        data, self.data = self.data, b""
        return data

    def read_on(self) -> None:
        """Let the far end send again."""
        if self._full:
            self._full = False
            if not self.transport.is_closing():
                self.transport.resume_reading()

    async def write(self, data: bytes) -> None:
        """Write, and wait while the far end is slow. Raises ConnectionAbortedError when the connection is gone."""
        if self.transport.is_closing():
            raise ConnectionAbortedError("the connection is gone")
        if data:
            self.transport.write(data)
        if self._room is not None:
            await asyncio.shield(self._room)
            if self.transport.is_closing():
                raise ConnectionAbortedError("the connection is gone")

    def _wake(self) -> None:
        if self._news and not self._news.done():
            self._news.set_result(None)
