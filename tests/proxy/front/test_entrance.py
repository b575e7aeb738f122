"""The front with real sockets: an origin, a client, and an inspector's end that takes what is handed over."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from ipaddress import ip_address

import pytest

from proxy.dns.wire import Lookup
from proxy.hand_over import Kind
from tests.proxy.front.test_client_hello import real_hello
from tests.support.deaf import attempts, deaf
from tests.support.front import DEVICE, Bench, asking, echo, front, origin, tunnel, welcomed


@pytest.fixture(params=["http", "socks"])
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    async with front(request.param) as made:
        yield made


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
        _reader, writer = await tunnel(bench, host, port)
        given, client = await bench.given.get()
        with client:
            assert (given.kind, given.device, given.host) == (Kind(bench.listener), DEVICE, "")
            assert given.data == asking(bench, host, port), "the inspector answers the request itself"
        writer.close()
    assert not dialled.is_set()
    if host.endswith("evil.test"):
        assert bench.asked == [], "a blocked name is not even looked up"


@pytest.mark.parametrize(("host", "trusted"), [("partly.test", True), ("opened.test", True)])
async def test_what_needs_opening_goes_to_the_inspector(bench: Bench, host: str, trusted: bool) -> None:
    bench.trusted = trusted
    async with asyncio.timeout(10):
        _reader, writer = await tunnel(bench, host, 443)
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
        assert (given.kind, given.host, given.port, given.data) == (Kind.TUNNEL, "clean.test", port, hello)
        writer.close()


@pytest.mark.parametrize("host", ["clean.test", "evil.test"])
async def test_plain_http_in_a_tunnel_goes_to_the_inspector_however_it_is_cut(bench: Bench, host: str) -> None:
    """Its body could be one that is known, or its host is blocked whatever the tunnel was for."""
    request = f"POST /x HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1\r\n\r\na".encode()
    async with asyncio.timeout(10), origin(echo) as port:
        reader, writer = await tunnel(bench, "clean.test", port)
        assert await welcomed(bench, reader)
        writer.write(request[:2])
        await writer.drain()
        writer.write(request[2:])
        given, client = await bench.given.get()
        client.close()
        assert (given.kind, given.host, given.port, given.data) == (Kind.TUNNEL, "clean.test", port, request)
        writer.close()


async def test_own_ports_are_never_dialled(bench: Bench) -> None:
    async with asyncio.timeout(10), origin(echo) as port:
        bench.own = {port}
        _reader, writer = await tunnel(bench, "clean.test", port)
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


@pytest.mark.parametrize(
    ("listener", "said", "answer"),
    [
        ("http", b"\x00\r\n\r\n", b"HTTP/1.1 400"),
        ("http", b"\x16\x03\x01\r\n\r\n", b"HTTP/1.1 400"),
        ("http", b"GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n folded\r\n\r\n", b"HTTP/1.1 400"),
        ("socks", b"\x05\x01\x02", b"\x05\xff"),
        ("socks", b"\x06\x01", b""),
        ("socks", b"\x04\x02\x00\x50\x01\x02\x03\x04\x00", b"\x00\x5b" + bytes(6)),
    ],
)
async def test_other_greetings_end_with_the_protocols_refusal(listener: str, said: bytes, answer: bytes) -> None:
    async with asyncio.timeout(10), front(listener) as bench:
        reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
        writer.write(said)
        answered = await reader.read()
        assert answered[: len(answer)] == answer
        assert bool(answered) is bool(answer)
        writer.close()
        assert bench.given.empty()


async def test_a_request_that_is_stopped_is_the_inspectors_from_its_first_byte() -> None:
    head = b"GET http://evil.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n"
    async with asyncio.timeout(10), front("http") as bench:
        _, writer = await asyncio.open_connection("127.0.0.1", bench.port)
        writer.write(head[:20])
        await writer.drain()
        writer.write(head[20:])
        given, client = await bench.given.get()
        client.close()
        assert (given.kind, given.host, given.data) == (Kind.HTTP, "", head)
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
        for first in (b"\x00\x01\x02", b"\x16\x03\x01\x00\x04\x02\x00\x00\x00", real_hello("www.evil.test")):
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
        monkeypatch.setattr("proxy.front.passing.CLIENT_FIRST_PORTS", frozenset((port,)))
        reader, writer = await tunnel(bench, "clean.test", port)
        assert await welcomed(bench, reader)
        writer.write(hello)
        assert await reader.readexactly(len(hello)) == hello
        writer.close()
    assert bench.passed == ["clean.test"]


async def test_a_client_that_ends_while_its_web_server_is_being_dialled_is_let_go(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asyncio.timeout(8):
        with deaf() as port:
            monkeypatch.setattr("proxy.front.passing.CLIENT_FIRST_PORTS", frozenset((port,)))
            before = attempts(port)
            reader, writer = await tunnel(bench, "clean.test", port)
            assert await welcomed(bench, reader)
            writer.write(real_hello("clean.test"))
            while attempts(port) == before:
                await asyncio.sleep(0.001)
            writer.write_eof()
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
            while attempts(port) > before or bench.waiting:
                await asyncio.sleep(0.001)
            writer.close()


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
        _reader, writer = await tunnel(bench, "odd.test", 443)
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
