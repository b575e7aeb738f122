"""A stream holds little, waits for what is asked for, and ends in one way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from proxy.front.stream import HELD, Stream
from tests.support.resolver import until


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[Stream, asyncio.StreamReader, asyncio.StreamWriter]]:
    """Give one end as a stream and the other as asyncio's own."""
    come: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Future()
    server = await asyncio.start_server(lambda *both: come.set_result(both), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    _, stream = await asyncio.get_running_loop().create_connection(Stream, "127.0.0.1", port)
    reader, writer = await come
    try:
        async with asyncio.timeout(20):
            yield stream, reader, writer
    finally:
        stream.transport.abort()
        writer.transport.abort()
        server.close()


async def test_what_comes_is_held_until_it_is_taken() -> None:
    async with connected() as (stream, _, writer):
        writer.write(b"hello")
        await stream.some()
        assert (stream.take(), stream.data) == (b"hello", b"")


async def test_a_sender_that_nobody_listens_to_has_to_wait() -> None:
    whole = bytes(32 * 1024 * 1024)
    async with connected() as (stream, _, writer):
        sending = asyncio.create_task(_send(writer, whole))
        await until(lambda: len(stream.data) >= HELD)
        assert not sending.done()
        assert len(stream.data) < 2 * HELD
        got = 0
        while got < len(whole):
            await stream.some()
            got += len(stream.take())
            stream.read_on()
        await sending


async def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


async def test_a_writer_waits_for_a_slow_reader() -> None:
    async with connected() as (stream, reader, _):
        writing = asyncio.create_task(stream.write(bytes(32 * 1024 * 1024)))
        assert await reader.readexactly(1) == b"\0"
        assert not writing.done()
        await reader.readexactly(32 * 1024 * 1024 - 1)
        await writing


async def test_the_end_is_told_after_what_came_before_it() -> None:
    async with connected() as (stream, _, writer):
        writer.write(b"last words")
        writer.write_eof()
        await until(lambda: stream.has_ended)
        assert (stream.take(), stream.is_broken) == (b"last words", False)
        with pytest.raises(ConnectionAbortedError, match="no more bytes"):
            await stream.some()


async def test_a_connection_that_is_lost_wakes_reader_and_writer() -> None:
    async with connected() as (stream, _, writer):
        reading = asyncio.create_task(stream.some())
        writing = asyncio.create_task(stream.write(bytes(32 * 1024 * 1024)))
        await asyncio.sleep(0)
        writer.transport.abort()
        for waiting in (reading, writing):
            with pytest.raises(ConnectionAbortedError):
                await waiting
        with pytest.raises(ConnectionAbortedError, match="the connection is gone"):
            await stream.write(b"more")
