"""New TLS connections, one after another or some at a time, to the first byte of the ServerHello.

A load in Python, for what is not measured against a peer's rate; benchmark `splice` has one in C (`connect_load.c`).
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time

_HOST = "localhost"
_LIMIT = 15.0  # seconds for one connection
_SERVER_HELLO = b"\x16"  # a TLS record of type handshake


class Load:
    """Keep a number of connections in flight and count those that ended well."""

    def __init__(self, port: int, proxy: int, host: str = _HOST, address: str = "127.0.0.1") -> None:
        self._address = address
        self._to = proxy or port
        self._connect = f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode() if proxy else b""
        self._hello = client_hello(host)
        self.done = 0
        self.failed = 0
        self.times: list[float] = []

    async def run(self, seconds: float, in_flight: int) -> float:
        """Return connections per second, those that failed left out."""
        began = time.perf_counter()
        await asyncio.gather(*(self._one_after_another(began + seconds) for _ in range(in_flight)))
        return self.done / (time.perf_counter() - began)

    async def _one_after_another(self, until: float) -> None:
        while time.perf_counter() < until:
            await self.counted()

    async def counted(self) -> None:
        """Open one connection and keep how it went."""
        began = time.perf_counter()
        try:
            async with asyncio.timeout(_LIMIT):
                good = await self._one()
        except (OSError, EOFError, TimeoutError):
            good = False
        self.done += good
        self.failed += not good
        self.times.append(time.perf_counter() - began)

    async def _one(self) -> bool:
        reader, writer = await asyncio.open_connection(self._address, self._to)
        try:
            if self._connect:
                writer.write(self._connect)
                if not (await reader.readuntil(b"\r\n\r\n")).startswith((b"HTTP/1.1 200", b"HTTP/1.0 200")):
                    return False
            writer.write(self._hello)
            return (await reader.read(4096))[:1] == _SERVER_HELLO
        finally:
            writer.transport.abort()


def client_hello(host: str = _HOST) -> bytes:
    """Return what a TLS client sends first for a name."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname=host)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()
