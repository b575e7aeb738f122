"""A stream as it comes out of a tunnel, of which a test holds the device's end."""

from __future__ import annotations

import asyncio
from typing import Any


class FakeStream:
    """Read what the test has said, keep what is written. `broken` makes writing fail, as on a closed stream."""

    def __init__(self, kind: str, host: str, port: int, *said: bytes) -> None:
        self.written: list[bytes] = []
        self.wrote = asyncio.Event()
        self.closed = asyncio.Event()
        self.broken = False
        self._info: dict[str, Any] = {
            "transport_protocol": kind,
            "peername": ("10.87.0.2", 40000),
            "sockname": (host, port),
            "original_src": ("192.0.2.7", 51000),
        }
        self._said: asyncio.Queue[bytes | OSError] = asyncio.Queue()
        for one in said:
            self.say(one)

    def say(self, what: bytes | OSError) -> None:
        """Send something from the device; nothing is the end, an error breaks the stream."""
        self._said.put_nowait(what)

    async def read(self, most: int, /) -> bytes:
        found = await self._said.get()
        if isinstance(found, OSError):
            raise found
        return found[:most]

    def write(self, data: bytes, /) -> None:
        if self.broken:
            raise OSError("the stream is closed")
        self.written.append(data)
        self.wrote.set()

    async def drain(self) -> None:
        """Never wait."""

    def close(self) -> None:
        self.closed.set()

    def is_closing(self) -> bool:
        return self.closed.is_set()

    def get_extra_info(self, name: str, default: Any = None, /) -> Any:
        return self._info.get(name, default)
