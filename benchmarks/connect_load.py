"""A child of benchmark `splice`: new TLS connections through CONNECT.

`python -m benchmarks.connect_load ORIGIN_PORT PROXY_PORT SECONDS IN_FLIGHT`

Each connection sends one ClientHello made beforehand, waits for the ServerHello and drops. Proxy port 0 goes to the
origin directly. Prints connections a second, and the number of those that failed.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import sys
import time

import uvloop

_HOST = "localhost"
_LIMIT = 15.0  # seconds for one connection
_SERVER_HELLO = b"\x16"  # a TLS record of type handshake


class Load:
    """Keep a number of connections in flight and count those that ended well."""

    def __init__(self, port: int, proxy: int) -> None:
        self._to = proxy or port
        self._connect = f"CONNECT {_HOST}:{port} HTTP/1.1\r\nHost: {_HOST}:{port}\r\n\r\n".encode() if proxy else b""
        self._hello = client_hello()
        self.done = 0
        self.failed = 0

    async def run(self, seconds: float, in_flight: int) -> float:
        """Return connections per second, those that failed left out."""
        began = time.perf_counter()
        await asyncio.gather(*(self._one_after_another(began + seconds) for _ in range(in_flight)))
        return self.done / (time.perf_counter() - began)

    async def _one_after_another(self, until: float) -> None:
        while time.perf_counter() < until:
            try:
                async with asyncio.timeout(_LIMIT):
                    good = await self._one()
            except (OSError, EOFError, TimeoutError):
                good = False
            self.done += good
            self.failed += not good

    async def _one(self) -> bool:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._to)
        try:
            if self._connect:
                writer.write(self._connect)
                if not (await reader.readuntil(b"\r\n\r\n")).startswith((b"HTTP/1.1 200", b"HTTP/1.0 200")):
                    return False
            writer.write(self._hello)
            return (await reader.read(4096))[:1] == _SERVER_HELLO
        finally:
            writer.transport.abort()


def client_hello() -> bytes:
    """Return what a TLS client sends first for our origin's name."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname=_HOST)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def main(port: str, proxy: str, seconds: str, in_flight: str) -> None:
    load = Load(int(port), int(proxy))
    rate = uvloop.run(load.run(float(seconds), int(in_flight)))
    print(f"{rate:.1f} {load.failed}")


if __name__ == "__main__":
    main(*sys.argv[1:5])
