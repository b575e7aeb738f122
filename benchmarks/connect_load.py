"""A child of benchmark `splice`: new TLS connections through CONNECT.

`python -m benchmarks.connect_load ORIGIN_PORT PROXY_PORT SECONDS IN_FLIGHT [RATE]`

Each connection sends one ClientHello made beforehand, waits for the ServerHello and drops. Proxy port 0 goes to the
origin directly. Prints connections a second, the number of those that failed, and the 99th percentile of the time to
the ServerHello in milliseconds. With a RATE they begin at that rate whether earlier ones have ended or not, and their
time counts from when they were due: a loop that waits for answers would hide the queue.
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

    def __init__(self, port: int, proxy: int, host: str = _HOST, address: str = "127.0.0.1") -> None:
        self._address = address
        self._to = proxy or port
        self._connect = f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode() if proxy else b""
        self._hello = client_hello(host)
        self.done = 0
        self.failed = 0
        self.times: list[float] = []

    async def at_rate(self, seconds: float, rate: float) -> float:
        """Begin connections at a rate; return how many a second ended well."""
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(int(seconds * rate)):
                due = began + number / rate
                await asyncio.sleep(max(due - time.perf_counter(), 0))
                group.create_task(self.counted(due))
        return self.done / (time.perf_counter() - began)

    async def run(self, seconds: float, in_flight: int) -> float:
        """Return connections per second, those that failed left out."""
        began = time.perf_counter()
        await asyncio.gather(*(self._one_after_another(began + seconds) for _ in range(in_flight)))
        return self.done / (time.perf_counter() - began)

    async def _one_after_another(self, until: float) -> None:
        while time.perf_counter() < until:
            await self.counted(time.perf_counter())

    async def counted(self, due: float) -> None:
        """Open one connection that was due at a time, and keep how it went."""
        try:
            async with asyncio.timeout(_LIMIT):
                good = await self._one()
        except (OSError, EOFError, TimeoutError):
            good = False
        self.done += good
        self.failed += not good
        self.times.append(time.perf_counter() - due)

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


def main(port: str, proxy: str, seconds: str, in_flight: str, rate: str = "") -> None:
    load = Load(int(port), int(proxy))
    work = load.at_rate(float(seconds), float(rate)) if rate else load.run(float(seconds), int(in_flight))
    reached = uvloop.run(work)
    late = sorted(load.times)[len(load.times) * 99 // 100] if load.times else 0.0
    print(f"{reached:.1f} {load.failed} {late * 1000:.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:6])
