from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from proxy.protect import keeper, probe
from proxy.protect.probe import answers_as_proxy, is_intercepted, is_served

type Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def _asked(serve: Serve) -> tuple[bool, bool]:
    """Return what the probe and the keeper's look find."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        return await is_intercepted("127.0.0.1", port), await keeper.answers(port)
    finally:
        server.close()


async def _says_it_again(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    line = await reader.readline()
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    await writer.drain()
    await asyncio.sleep(0.05)  # the body comes by itself
    writer.write(line.split()[1].rpartition(b"/")[2] if line else b"")
    writer.close()


async def _says_something_else(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\nsomebody else's page")
    writer.close()


async def _hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def _hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


@pytest.mark.parametrize(
    ("serve", "intercepted", "alive"),
    [
        (_says_it_again, True, False),
        (_says_something_else, False, True),
        (_hangs_up, False, True),
        (_hangs, False, False),
    ],
)
async def test_only_the_gateways_own_word_counts(
    monkeypatch: pytest.MonkeyPatch, serve: Serve, intercepted: bool, alive: bool
) -> None:
    monkeypatch.setattr(probe, "LIMIT", 0.5)
    monkeypatch.setattr(keeper, "_PATIENCE", 0.5)
    assert await _asked(serve) == (intercepted, alive)


async def test_where_nobody_listens_nothing_is_intercepted() -> None:
    server = await asyncio.start_server(_hangs, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    assert not await is_intercepted("127.0.0.1", port)
    assert not await keeper.answers(port)


@pytest.mark.parametrize(("scheme", "line"), [("http", b"GET http://seawall.internal/"), ("https", b"CONNECT ")])
async def test_a_proxy_is_asked_as_programs_ask_it(scheme: str, line: bytes) -> None:
    asked: list[bytes] = []

    async def says_it_again(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        request = asked[0] if scheme == "http" else await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + request.split()[1].rpartition(b"/")[2])
        writer.close()

    server = await asyncio.start_server(says_it_again, "127.0.0.1", 0)
    assert await answers_as_proxy(scheme, "127.0.0.1", server.sockets[0].getsockname()[1])
    server.close()
    assert asked[0].startswith(line)


@pytest.mark.parametrize(("answer", "served"), [(b"HTTP/1.1 400 Bad Request\r\n\r\n", True), (b"SSH-2.0-x\r\n", False)])
async def test_a_front_refuses_what_can_be_read_in_two_ways(answer: bytes, served: bool) -> None:
    async def says(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(says, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    assert await is_served("127.0.0.1", port) is served
    server.close()
    await server.wait_closed()
    assert not await is_served("127.0.0.1", port)
