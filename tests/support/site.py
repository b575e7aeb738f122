"""A server on real sockets that answers plain HTTP with the bytes it was given, and records what it was asked."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from tests.support.front import origin

HTML = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello"


@dataclass
class Site:
    """Answer each request on a connection with the next of `answers`, the last one again and again."""

    answers: list[bytes] = field(default_factory=lambda: [HTML])
    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    connections: int = 0
    closes_after: int = 1000
    resets: bool = False
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            for _ in range(self.closes_after):
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                self.bodies.append(await self._body(head.lower(), reader, writer))
                writer.write(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])
                await writer.drain()
        if self.resets:
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        writer.close()

    async def _body(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        if b"expect:" in head:
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if b"content-length:" in head:
            return await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n")[0]))
        if b"transfer-encoding: chunked" in head:
            return await reader.readuntil(b"0\r\n\r\n")
        return b""

    @property
    def lines(self) -> list[bytes]:
        """Return the request lines."""
        return [head.split(b"\r\n")[0] for head in self.heads]


@contextlib.asynccontextmanager
async def site(*answers: bytes, **more: Any) -> AsyncIterator[Site]:
    made = Site(list(answers) or [HTML], **more)
    async with origin(made.serve) as made.port:
        yield made
