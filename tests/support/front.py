"""The front around real sockets: an origin, a client, and an inspector's end that takes what is handed over."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

from addons.private_reach import PrivateReach
from indicators.classifier import Classifier
from indicators.device_signs import Sign
from indicators.indicator import Indicator, Origin
from indicators.inspection import InspectLists
from indicators.memory_index import MemoryIndex
from indicators.observation import Address, Device, Observation
from indicators.settings import PolicySettings
from indicators.verdict import Verdict
from indicators.words import Action, Enforcement, IndicatorType, Visibility
from proxy.dns.wire import Lookup
from proxy.front.client import Client
from proxy.front.crossing import Crossing
from proxy.front.doorway import Doorway
from proxy.front.front import Entry, Front, bound
from proxy.front.mismatch import Mismatches
from proxy.front.tunnels import Tunnels
from proxy.hand_over import HandOver

NOW = datetime(2026, 11, 23, tzinfo=UTC)
ORIGIN = Origin("custom", custom=True)
DEVICE = Device("d1", "test")


def indicator(value: str, kind: IndicatorType = IndicatorType.DOMAIN, action: Action = Action.BLOCK) -> Indicator:
    return Indicator(value, kind, action, ORIGIN)


KNOWN = [
    indicator("evil.test"),
    indicator("partly.test/bad", IndicatorType.URL),
    indicator("watched.test", action=Action.AUDIT),
]


@dataclass
class Bench:
    """Stand in for the gateway around the front; policy and classifier are the real ones."""

    trusted: bool = False
    resolved: dict[str, Lookup] = field(default_factory=dict)
    own: set[int] = field(default_factory=set)
    given: asyncio.Queue[tuple[HandOver, socket.socket]] = field(default_factory=asyncio.Queue)
    passed: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    sightings: list[tuple[tuple[str, ...], str]] = field(default_factory=list)
    repeats: list[str] = field(default_factory=list)
    agents: list[str] = field(default_factory=list)
    names_given: dict[str, tuple[str, ...]] = field(default_factory=dict)
    redirected_to: tuple[str, int] = ("127.0.0.1", 0)
    passwords: dict[str, str] = field(default_factory=dict)
    wants_password: bool = False
    refused: set[str] = field(default_factory=set)
    far: set[str] = field(default_factory=set)  # client addresses that count as beyond this machine
    inspector_is_gone: bool = False
    epoch: int = 0
    now: float = 0.0  # monotonic seconds
    waiting: dict[Client, None] = field(default_factory=dict)
    front: Front | None = None
    crossing: Crossing = field(init=False)
    tunnels: Tunnels = field(default_factory=Tunnels)
    port: int = 0
    listener: str = ""
    classifier: Classifier = field(
        default_factory=lambda: Classifier(MemoryIndex(KNOWN), (), PolicySettings(bodies=True))
    )

    def judge(self, seen: Observation) -> Verdict:
        return self.classifier.judge(seen, NOW)

    def trusts_ca(self, device: Device) -> bool:
        return self.trusted

    def report(self, seen: Observation, verdict: Verdict, enforcement: Enforcement) -> str:
        assert enforcement is Enforcement.PASSED
        if verdict.is_plain_allow:
            self.passed.append(seen.host)
            return ""
        self.sightings.append((seen.hosts, verdict.reason))
        return f"INC-{len(self.sightings)}"

    def repeat(self, incident: str, count: int = 1) -> None:
        self.repeats.append(incident)

    def sign_seen(self, device: Device, sign: Sign) -> None:
        """Keep no record."""

    def device_seen(self, device: Device, user_agent: str = "") -> None:
        self.agents.append(user_agent)

    async def names(self, address: str, device: Device) -> tuple[str, ...]:
        return self.names_given.get(address, ())

    @property
    def knows_passwords(self) -> bool:
        return self.wants_password or bool(self.passwords)

    def admits(self, address: str) -> bool:
        return address not in self.refused

    def guarded(self, address: str) -> bool:
        return address in self.far

    def by_address(self, address: str, listener: str) -> Device:
        return DEVICE

    def by_password(self, user: str, password: str, address: str, listener: str) -> Device | None:
        return replace(DEVICE, id=user) if self.passwords.get(user) == password else None

    async def lookup(self, host: str, device: Device, reach: Visibility = Visibility.URL) -> Lookup:
        self.asked.append(host)
        if host == "unreachable-resolver.test":
            raise ConnectionError("no resolver")
        with contextlib.suppress(ValueError):
            return self.resolved.get(host, Lookup((ip_address(host),), ttl=60))
        return self.resolved.get(host, Lookup((ip_address("127.0.0.1"),), ttl=60))

    async def holds(self, addresses: Iterable[Address], port: int) -> bool:
        return port in self.own

    async def give(self, given: HandOver, client: Client) -> None:
        if self.inspector_is_gone:
            raise ConnectionRefusedError("no inspector")
        taken = socket.socket(fileno=os.dup(client.socket.fileno()))
        if given.upstream:
            given = replace(given, upstream=socket.socket(fileno=os.dup(given.upstream.fileno())))
        client.let_go()
        client.transport.abort()
        self.given.put_nowait((given, taken))


@contextlib.asynccontextmanager
async def front(listener: str, most: int = 8192, allowed: Iterable[Any] = (), **door: Any) -> AsyncIterator[Bench]:
    """Open a front with one listener on loopback; `allowed` are private networks that far clients may reach."""
    made = Bench(listener=listener)
    lists = InspectLists.of(["opened.test"], ["never.test"])
    reach = PrivateReach(allowed)
    made.crossing = Crossing(made, made, lists, made, epoch=lambda: made.epoch, monotonic=lambda: made.now, reach=reach)
    doorway = Doorway(listener, made.crossing, made, made, made, made.tunnels, Mismatches(made))
    opened = Front(replace(doorway, **door), most, made.waiting)
    address = await opened.listen(Entry("it", listener, bound("127.0.0.1", 0), lambda sock: made.redirected_to))
    made.port = int(address.rpartition(":")[2])
    made.front = opened
    try:
        yield made
    finally:
        await opened.close()
        async with asyncio.timeout(20):
            while opened._shares._held:  # every place is given back, however its client left
                await asyncio.sleep(0)
        while not made.given.empty():
            left, client = made.given.get_nowait()
            client.close()
            if left.upstream:
                left.upstream.close()


@contextlib.asynccontextmanager
async def origin(serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]) -> AsyncIterator[int]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)  # type: ignore[arg-type]
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def asking(bench: Bench, host: str, port: int) -> bytes:
    """Write the request for a destination."""
    if bench.listener == "http":
        return f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()
    return b"\x05\x01\x00\x03" + bytes([len(host)]) + host.encode() + port.to_bytes(2)


async def tunnel(bench: Bench, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Ask the front for a destination."""
    reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
    if bench.listener == "socks":
        writer.write(b"\x05\x01\x00")
        assert await reader.readexactly(2) == b"\x05\x00"
    writer.write(asking(bench, host, port))
    return reader, writer


async def welcomed(bench: Bench, reader: asyncio.StreamReader) -> bool:
    if bench.listener == "http":
        return b" 200 " in await reader.readuntil(b"\r\n\r\n")
    return (await reader.readexactly(10))[1] == 0


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()
