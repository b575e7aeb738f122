"""Connections that are opened and dropped at every point of the greeting and the handshake leave nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import psutil
import pytest

from tests.proxy.front.test_client_hello import real_hello
from tests.support.front import Bench, echo, front, origin

_AT_ONCE = 20
_GROWTH = 6 * 1024 * 1024  # bytes; more would be 600 for each of 10,000 connections


async def drop(bench: Bench, words: bytes, at: int, hard: bool) -> None:
    """Send `at` bytes of a client's words, and go: by a reset where it is `hard`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
    writer.write(words[:at])
    if at == len(words):
        with contextlib.suppress(ConnectionError):
            await reader.read(100)
    if hard:
        writer.transport.abort()
    else:
        writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def drop_many(bench: Bench, words: bytes, count: int) -> None:
    for first in range(0, count, _AT_ONCE):
        each = range(first, min(first + _AT_ONCE, count))
        await asyncio.gather(*(drop(bench, words, number % (len(words) + 1), bool(number & 1)) for number in each))


async def settled(bench: Bench, tasks: int, files: int | None = None) -> int:
    """Wait until the front holds nobody and no more tasks and files are open than before; return the open files."""
    async with asyncio.timeout(60):
        while bench.waiting or len(bench.tunnels) or len(asyncio.all_tasks()) > tasks or _files() > (files or 1 << 20):
            await asyncio.sleep(0.01)
    return _files()


def _files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.mark.parametrize("count", [600, pytest.param(10_000, marks=pytest.mark.soak)])
async def test_no_descriptor_task_or_memory_is_left(count: int) -> None:
    async with front("http") as bench, origin(echo) as port:
        words = f"CONNECT a.test:{port} HTTP/1.1\r\nHost: a.test:{port}\r\n\r\n".encode() + real_hello("a.test")
        tasks, files = len(asyncio.all_tasks()), _files()
        await drop_many(bench, words, count // 4)  # what is made once is made now
        await settled(bench, tasks, files)
        memory = psutil.Process().memory_info().rss
        await drop_many(bench, words, count)
        assert await settled(bench, tasks, files) <= files
        assert len(asyncio.all_tasks()) == tasks
        assert psutil.Process().memory_info().rss - memory < _GROWTH
