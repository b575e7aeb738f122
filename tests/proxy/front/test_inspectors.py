"""The hand-over of a client that was answered before and has not read all of it; more: `test_service.py`."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from indicators.observation import Device
from proxy import hand_over
from proxy.front.client import Client
from proxy.front.inspectors import Inspectors
from proxy.hand_over import HandOver, Kind
from tests.proxy.front.test_service import taken

ANSWER = bytes(8 * 1024 * 1024)  # more than kernels hold for a connection of loopback


@contextlib.asynccontextmanager
async def answering(handing: Inspectors, problems: list[OSError]) -> AsyncIterator[socket.socket]:
    """Answer one client at length, then hand it over."""

    async def serve(client: Client) -> None:
        await client.some()
        client.transport.write(ANSWER)
        try:
            await handing.give(HandOver(Kind.HTTP, client.data, Device("d", "")), client)
        except OSError as problem:
            problems.append(problem)
            raise

    server = await asyncio.get_running_loop().create_server(lambda: Client(serve), "127.0.0.1", 0)
    with socket.create_connection(server.sockets[0].getsockname()) as client:
        client.sendall(b"hello")
        client.setblocking(False)
        try:
            yield client
        finally:
            server.close()
            handing.close()


async def read_all(client: socket.socket, length: int) -> int:
    loop, count = asyncio.get_running_loop(), 0
    while count < length and (part := await loop.sock_recv(client, 65536)):
        count += len(part)
    return count


async def test_a_client_that_reads_late_is_handed_over_after_its_answer(tmp_path: Path) -> None:
    problems: list[OSError] = []
    path = tmp_path / "inspector"
    with hand_over.listen(path) as taker:
        async with asyncio.timeout(60), answering(Inspectors([path], patience=50), problems) as client:
            giving = asyncio.create_task(taken(taker))
            await asyncio.sleep(0.1)  # it has had time to be handed over too early
            assert not giving.done()
            assert await read_all(client, len(ANSWER)) == len(ANSWER)
            assert (await giving).data == b"hello"
    assert problems == []


async def test_one_that_does_not_read_is_cut_off_and_never_answered_within_its_answer(tmp_path: Path) -> None:
    problems: list[OSError] = []
    path = tmp_path / "inspector"
    with hand_over.listen(path) as taker:
        async with asyncio.timeout(60), answering(Inspectors([path], patience=0.2), problems) as client:
            while not problems:
                await asyncio.sleep(0.01)
            with pytest.raises(ConnectionResetError):
                await read_all(client, len(ANSWER))
            taker.setblocking(False)
            with pytest.raises(BlockingIOError):
                taker.accept()
    assert "does not read" in str(problems[0])
