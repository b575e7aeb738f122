"""The front with real sockets: an origin, a client, and an inspector's end that takes what is handed over."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import weakref
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address

import pytest

from indicators.classifier import Classifier
from indicators.indicator import Indicator, Origin
from indicators.inspection import InspectLists
from indicators.memory_index import MemoryIndex
from indicators.observation import Address, Device, Observation
from indicators.settings import PolicySettings
from indicators.verdict import Verdict
from indicators.words import Action, Enforcement, IndicatorType, Visibility
from proxy.dns.wire import Lookup
from proxy.front.crossing import Crossing
from proxy.front.entrance import Doorway, Entrance
from proxy.hand_over import HandOver
from tests.proxy.front.test_client_hello import real_hello

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
        assert (verdict.is_plain_allow, enforcement) == (True, Enforcement.PASSED)
        self.passed.append(seen.host)
        return ""

    def repeat(self, incident: str, count: int = 1) -> None:
        raise AssertionError("the front reports no incident")

    def device_seen(self, device: Device, user_agent: str = "") -> None:
        raise AssertionError("counting is enough")

    async def lookup(self, host: str, device: Device, reach: Visibility = Visibility.URL) -> Lookup:
        self.asked.append(host)
        if host == "unreachable-resolver.test":
            raise ConnectionError("no resolver")
        return self.resolved.get(host, Lookup((ip_address("127.0.0.1"),)))

    async def holds(self, addresses: Iterable[Address], port: int) -> bool:
        return port in self.own

    def take(self, given: HandOver, client: int) -> None:
        self.given.put_nowait((given, socket.socket(fileno=socket.dup(client))))


@pytest.fixture(params=["http", "socks"])
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    made = Bench()
    crossing = Crossing(made, made, made, InspectLists.of(["opened.test"], ["never.test"]), made)
    door = Doorway(request.param, crossing, lambda address, listener: DEVICE, made.take, weakref.WeakSet())
    server = await asyncio.get_running_loop().create_server(lambda: Entrance(door), "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    made.listener = request.param
    yield made
    server.close()
    while not made.given.empty():
        made.given.get_nowait()[1].close()


@contextlib.asynccontextmanager
async def origin(serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]) -> AsyncIterator[int]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)  # type: ignore[arg-type]
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def tunnel(bench: Bench, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Ask the front for a destination."""
    reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
    if bench.listener == "http":
        writer.write(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        return reader, writer
    writer.write(b"\x05\x01\x00")
    assert await reader.readexactly(2) == b"\x05\x00"
    writer.write(b"\x05\x01\x00\x03" + bytes([len(host)]) + host.encode() + port.to_bytes(2))
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


async def test_a_clean_hello_is_spliced_byte_for_byte(bench: Bench) -> None:
    hello = real_hello("clean.test")
    async with asyncio.timeout(10), origin(echo) as port:
        reader, writer = await tunnel(bench, "clean.test", port)
        assert await welcomed(bench, reader)
        for at in range(0, len(hello), 50):  # in crumbs, as slow networks send it
            writer.write(hello[at : at + 50])
            await writer.drain()
        assert await reader.readexactly(len(hello)) == hello
        bulk = b"\x17\x03\x03" + bytes(300_000)
        writer.write(bulk)
        assert await reader.readexactly(len(bulk)) == bulk
        writer.write_eof()
        assert await reader.read() == b""
    assert bench.passed == ["clean.test"]
    assert bench.given.empty()


async def test_a_server_that_speaks_first_is_heard(bench: Bench) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail\r\n")
        await echo(reader, writer)

    async with asyncio.timeout(10), origin(greet) as port:
        reader, writer = await tunnel(bench, "mail.test", port)
        assert await welcomed(bench, reader)
        assert await reader.readexactly(10) == b"220 mail\r\n"
        writer.write(b"EHLO x\r\n")
        assert await reader.readexactly(8) == b"EHLO x\r\n"
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("host", ["evil.test", "www.evil.test", "watched.test", "unreachable-resolver.test", "foo.09"])
async def test_what_is_not_plainly_clean_is_handed_over_and_never_dialled(bench: Bench, host: str) -> None:
    dialled = asyncio.Event()

    async with asyncio.timeout(10), origin(lambda r, w: dialled.set()) as port:
        reader, writer = await tunnel(bench, host, port)
        if bench.listener == "socks":
            assert await welcomed(bench, reader)
            writer.write(b"hello")
        given, client = await bench.given.get()
        with client:
            assert given.listener == bench.listener
            assert (b"CONNECT" in given.data) or (given.host, given.port, given.data) == (host, port, b"hello")
        writer.close()
    assert not dialled.is_set()
    if host.endswith("evil.test"):
        assert bench.asked == [], "a blocked name is not even looked up"


@pytest.mark.parametrize(("host", "trusted"), [("partly.test", True), ("opened.test", True)])
async def test_what_needs_opening_goes_to_the_inspector(bench: Bench, host: str, trusted: bool) -> None:
    bench.trusted = trusted
    async with asyncio.timeout(10):
        reader, writer = await tunnel(bench, host, 443)
        if bench.listener == "socks":
            assert await welcomed(bench, reader)
            writer.write(b"\x16")
        given, client = await bench.given.get()
        client.close()
        assert given.data
        writer.close()


@pytest.mark.parametrize(("host", "trusted"), [("partly.test", False), ("opened.test", False)])
async def test_without_trust_in_our_ca_nothing_is_opened(bench: Bench, host: str, trusted: bool) -> None:
    hello = real_hello(host)
    async with asyncio.timeout(10), origin(echo) as port:
        reader, writer = await tunnel(bench, host, port)
        assert await welcomed(bench, reader)
        writer.write(hello)
        assert await reader.readexactly(len(hello)) == hello
        writer.close()
    assert bench.passed == [host]


async def test_a_blocked_name_in_the_hello_is_not_passed_under_a_clean_one(bench: Bench) -> None:
    async with asyncio.timeout(10), origin(echo) as port:
        reader, writer = await tunnel(bench, "clean.test", port)
        assert await welcomed(bench, reader)
        hello = real_hello("www.evil.test")
        writer.write(hello)
        given, client = await bench.given.get()
        client.close()
        assert (given.host, given.port, given.data) == ("clean.test", port, hello)
        writer.close()


@pytest.mark.parametrize("first", [b"GET / HTTP/1.1\r\n", b"POST /x HTTP/1.1\r\n"])
async def test_plain_http_in_a_tunnel_goes_to_the_inspector_however_it_is_cut(bench: Bench, first: bytes) -> None:
    async with asyncio.timeout(10), origin(echo) as port:
        reader, writer = await tunnel(bench, "clean.test", port)
        assert await welcomed(bench, reader)
        writer.write(first[:2])
        await writer.drain()
        writer.write(first[2:])
        given, client = await bench.given.get()
        client.close()
        assert first.startswith(given.data)
        assert given.data.startswith(first[:5])
        writer.close()


async def test_own_ports_are_never_dialled(bench: Bench) -> None:
    async with asyncio.timeout(10), origin(echo) as port:
        bench.own = {port}
        reader, writer = await tunnel(bench, "clean.test", port)
        if bench.listener == "socks":
            await welcomed(bench, reader)
            writer.write(b"x")
        _, client = await bench.given.get()
        client.close()
        assert bench.passed == []
        writer.close()


async def test_a_closed_port_is_said_in_the_proxys_own_words(bench: Bench) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with asyncio.timeout(10):
        reader, writer = await tunnel(bench, "clean.test", port)
        reply = await reader.read(100)
        assert reply.startswith((b"HTTP/1.1 502", b"\x05\x04"))
        writer.close()


@pytest.mark.parametrize("garbage", [b"\x00", b"GET http://a.test/ HTTP/1.1\r\n", b"\x05\x01\x02", b"\x04\x01"])
async def test_other_greetings_end_with_the_inspector_or_with_the_protocols_refusal(
    bench: Bench, garbage: bytes
) -> None:
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
        writer.write(garbage)
        if bench.listener == "http":
            given, client = await bench.given.get()
            client.close()
            assert (given.host, given.data) == ("", garbage)
        else:
            assert await reader.read() == (b"\x05\xff" if garbage[:1] == b"\x05" else b"")
        writer.close()


async def test_a_client_that_leaves_early_leaves_nothing_behind(bench: Bench) -> None:
    before = len(asyncio.all_tasks())
    async with asyncio.timeout(10):
        for data in (b"", b"CONN", b"\x05", b"\x05\x01\x00"):
            _, writer = await asyncio.open_connection("127.0.0.1", bench.port)
            writer.write(data)
            writer.close()
            await writer.wait_closed()
        while len(asyncio.all_tasks()) > before:
            await asyncio.sleep(0)
    assert bench.passed == []


@pytest.mark.parametrize("port", [443, 80])
async def test_on_a_web_port_what_is_no_clean_hello_is_the_inspectors(bench: Bench, port: int) -> None:
    """The client is welcomed first; nothing is dialled before its first bytes are judged."""
    async with asyncio.timeout(10):
        for first in (b"GET / HTTP/1.1\r\n", b"\x16\x03\x01\x00\x04\x02\x00\x00\x00", real_hello("www.evil.test")):
            reader, writer = await tunnel(bench, "clean.test", port)
            assert await welcomed(bench, reader)
            writer.write(first)
            given, client = await bench.given.get()
            client.close()
            assert (given.host, given.port, given.data) == ("clean.test", port, first)
            writer.close()
    assert bench.passed == []


async def test_on_a_web_port_a_clean_hello_is_dialled_after_it_is_read(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    hello = real_hello("clean.test")
    async with asyncio.timeout(10), origin(echo) as port:
        monkeypatch.setattr("proxy.front.entrance.WEB_PORTS", frozenset((port,)))
        reader, writer = await tunnel(bench, "clean.test", port)
        assert await welcomed(bench, reader)
        writer.write(hello)
        assert await reader.readexactly(len(hello)) == hello
        writer.close()
    assert bench.passed == ["clean.test"]


async def test_a_server_that_spoke_cannot_be_inspected_afterwards(bench: Bench) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail\r\n")
        await echo(reader, writer)

    async with asyncio.timeout(10), origin(greet) as port:
        reader, writer = await tunnel(bench, "mail.test", port)
        assert await welcomed(bench, reader)
        await reader.readexactly(10)
        writer.write(real_hello("www.evil.test"))
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        writer.close()
    assert bench.given.empty()
    assert bench.passed == []


async def test_a_client_that_leaves_a_silent_server_closes_it(bench: Bench) -> None:
    closed = asyncio.Event()

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()
        closed.set()

    async with asyncio.timeout(10), origin(wait) as port:
        reader, writer = await tunnel(bench, "clean.test", port)
        assert await welcomed(bench, reader)
        writer.close()
        await closed.wait()


@pytest.mark.parametrize(
    "found",
    [Lookup(), Lookup(blocked=True, reason="listed"), Lookup((ip_address("127.0.0.1"),), blocked=True)],
)
async def test_a_host_without_a_judged_address_is_not_passed(bench: Bench, found: Lookup) -> None:
    bench.resolved["odd.test"] = found
    async with asyncio.timeout(10):
        reader, writer = await tunnel(bench, "odd.test", 443)
        if bench.listener == "socks":
            assert await welcomed(bench, reader)
            writer.write(b"x")
        _, client = await bench.given.get()
        client.close()
        writer.close()


async def test_a_server_name_that_is_no_host_is_the_inspectors(bench: Bench) -> None:
    async with asyncio.timeout(10), origin(echo) as port:
        reader, writer = await tunnel(bench, "clean.test", port)
        assert await welcomed(bench, reader)
        writer.write(real_hello("foo.09"))
        _, client = await bench.given.get()
        client.close()
        writer.close()
