from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from proxy.protect import keeper, probe
from proxy.protect.probe import is_intercepted

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
