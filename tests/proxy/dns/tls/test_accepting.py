from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path

import pytest

from proxy.dns.tls.accepting import Acceptor, Places
from tests.proxy.dns.tls.test_service import GOOD, parsed
from tests.support.dns_over_tls import NAME, OverTls, serving
from tests.support.resolver import Running, addresses

ONE = {"tls": {"name": NAME, "connections": 2, "connections_each": 2}}
LISTENERS = [("dns_tls", "dot"), ("dns_https", "http/1.1")]


def test_places_are_counted_in_all_and_for_each() -> None:
    places = Places(3, 2)
    assert [places.take(client) for client in "aaabb"] == [True, True, False, True, False]
    places.give_back("a")
    assert (places.take("b"), places.take("c"), dict(places.taken)) == (True, False, {"a": 1, "b": 2})


async def connect(over: OverTls, key: str, spoken: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", over.port(key), ssl=over.trust(spoken), server_hostname=NAME)


async def asked(spoken: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """Ask on an open connection; return the DNS answer."""
    if spoken == "dot":
        writer.write(len(GOOD).to_bytes(2) + GOOD)
        return await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
    head = (
        f"POST /dns-query HTTP/1.1\r\nhost: x\r\ncontent-type: application/dns-message\r\ncontent-length: {len(GOOD)}"
    )
    writer.write(head.encode() + b"\r\n\r\n" + GOOD)
    told = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    return await reader.readexactly(int(told.split("content-length: ")[1].split("\r\n")[0]))


@pytest.mark.parametrize(("key", "spoken"), LISTENERS)
@pytest.mark.parametrize("limit", [{"connections": 2}, {"connections_each": 2}], ids=["in all", "each"])
async def test_one_connection_too_many_is_closed_and_those_open_are_served(
    resolver: Running, key: str, spoken: str, limit: dict[str, int]
) -> None:
    async with serving(resolver.state, {"tls": {"name": NAME, **limit}}) as over, asyncio.timeout(20):
        first, second = await connect(over, key, spoken), await connect(over, key, spoken)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await connect(over, key, spoken)
        for one in (first, second):
            assert addresses(parsed(await asked(spoken, *one))) == ["192.0.2.10"]
        other = LISTENERS[1 - LISTENERS.index((key, spoken))]
        (await connect(over, *other))[1].close()  # each listener has a limit of its own
        first[1].close()
        third = await until_let_in(over, key, spoken)
        assert addresses(parsed(await asked(spoken, *third))) == ["192.0.2.10"]
        third[1].close()
        second[1].close()


async def until_let_in(over: OverTls, key: str, spoken: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    while True:
        try:
            return await connect(over, key, spoken)
        except (ssl.SSLError, ConnectionError):
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(("key", "spoken"), LISTENERS)
async def test_a_handshake_that_never_comes_holds_a_place_for_so_long_only(
    resolver: Running, key: str, spoken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.dns.tls.accepting.HANDSHAKE_WITHIN", 0.3)
    async with serving(resolver.state, ONE) as over, asyncio.timeout(20):
        silent = [await asyncio.open_connection("127.0.0.1", over.port(key)) for _ in range(2)]
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await connect(over, key, spoken)
        for reader, writer in silent:
            assert await reader.read() == b""
            writer.close()
        let_in = await until_let_in(over, key, spoken)
        assert await asked(spoken, *let_in)
        let_in[1].close()


async def test_clients_do_not_use_up_each_others_places(resolver: Running) -> None:
    limit = {"host": "127.0.0.1", "tls": {"name": NAME, "connections": 3, "connections_each": 2}}
    async with serving(resolver.state, limit) as over, asyncio.timeout(20):
        busy = [await connect(over, "dns_tls", "dot") for _ in range(2)]
        _, writer = await asyncio.open_connection(
            "127.0.0.1",
            over.port("dns_tls"),
            ssl=over.trust("dot"),
            server_hostname=NAME,
            local_addr=("127.0.0.9", 0),
        )
        for one in (*(found for _, found in busy), writer):
            one.close()


def listening() -> socket.socket:
    sock = socket.create_server(("127.0.0.1", 0))
    sock.setblocking(False)
    return sock


@pytest.fixture
def context(tmp_path: Path) -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)


async def test_a_failure_to_accept_is_told_and_tried_again(
    context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("proxy.dns.tls.accepting._ACCEPT_AGAIN", 0.01)
    loop = asyncio.get_running_loop()
    real, failures = loop.sock_accept, [OSError("no descriptor left")]

    async def accept(sock: socket.socket) -> tuple[socket.socket, object]:
        if failures:
            raise failures.pop()
        return await real(sock)

    monkeypatch.setattr(loop, "sock_accept", accept)
    sock = listening()
    port = sock.getsockname()[1]

    async def never(*_: object) -> None:
        raise AssertionError("nobody speaks TLS here")

    acceptor = Acceptor(sock, context, Places(0, 1), never)
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await reader.read() == b""
    writer.close()
    await acceptor.close()
    assert "no descriptor left" in caplog.text


async def test_the_end_ends_what_is_open(resolver: Running) -> None:
    """The service ends within three seconds (see `serving`) though clients stay."""
    async with serving(resolver.state) as over:
        stayed = [await connect(over, *listener) for listener in LISTENERS]
    async with asyncio.timeout(20):
        for reader, writer in stayed:
            assert await reader.read() == b""
            writer.close()
