"""Clients that were answered before and have not read all of it, and clients of an inspector that is stuck."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from indicators.observation import Device
from indicators.words import OnError
from proxy import hand_over
from proxy.front.client import Client
from proxy.front.inspectors import Inspectors
from proxy.hand_over import HandOver, Kind
from tests.proxy.front.test_client_hello import real_hello
from tests.proxy.front.test_service import taken
from tests.support.front import Bench, echo, front, origin, tunnel, welcomed

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


@contextlib.asynccontextmanager
async def stuck(folder: Path, on_error: OnError, listener: str = "http") -> AsyncIterator[tuple[Bench, socket.socket]]:
    """A front whose only inspector lets all lie; what it was handed stays in its queue to the end."""
    handing = Inspectors([folder / "inspector"], patience=0.1, look=0.02)
    with hand_over.listen(folder / "inspector") as server:
        async with asyncio.timeout(60), front(listener, inspectors=handing, on_error=on_error) as bench:
            bench.trusted = True
            try:
                yield bench, server
            finally:
                handing.close()


def served_late(server: socket.socket) -> list[bytes]:
    """Wake the inspector and return what it serves of all that it was handed."""
    served: list[bytes] = []
    with contextlib.suppress(BlockingIOError):
        while peer := hand_over.accept(server):
            with peer:
                hand_over.receive(peer, lambda note, sock: (served.append(note.data), sock.close())[0])
    return served


@pytest.mark.parametrize("listener", ["http", "socks"])
async def test_closed_a_client_of_a_stuck_inspector_is_answered_and_its_connection_ends(
    tmp_path: Path, listener: str
) -> None:
    async with stuck(tmp_path, OnError.CLOSED, listener) as (bench, server):
        for _ in range(2):  # the second one comes when it is known
            reader, writer = await tunnel(bench, "partly.test", 443)
            answer = await reader.read()
            assert answer.startswith(b"HTTP/1.1 503 " if listener == "http" else b"\x05\x01")
            writer.close()
        assert served_late(server) == []


@pytest.mark.parametrize("end", ["client", "server", "block"])
async def test_open_a_client_of_a_stuck_inspector_is_spliced_to_its_end_and_never_served_twice(
    tmp_path: Path, end: str
) -> None:
    served: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(writer)
        await echo(reader, writer)

    hello = real_hello("partly.test")
    async with stuck(tmp_path, OnError.OPEN) as (bench, server), origin(serve) as port:
        reader, writer = await tunnel(bench, "partly.test", port)
        assert await welcomed(bench, reader)
        writer.write(hello)
        assert await reader.readexactly(len(hello)) == hello
        if end == "client":
            writer.write_eof()
        elif end == "server":
            served[0].transport.abort()
        else:
            bench.tunnels.end(lambda device: True)
        assert await reader.read() == b""
        writer.close()
        assert served_late(server) == []
        assert len(served) == 1


SPINS = """\
import asyncio, sys
from pathlib import Path
from proxy.inspector.taker import Taker

async def serve(given, reader, writer):
    writer.write(b"taken by the one that spins")
    await writer.drain()
    while True:
        pass

async def main():
    Taker(Path(sys.argv[1]), serve).start()
    print("here", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_an_endless_loop_in_an_inspector_costs_who_was_taken_the_connection_and_nobody_else(
    tmp_path: Path,
) -> None:
    path = tmp_path / "inspector"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SPINS, str(path), stdout=asyncio.subprocess.PIPE
    )
    handing = Inspectors([path], patience=0.5, look=0.5)
    try:
        async with asyncio.timeout(60), front("http", inspectors=handing, on_error=OnError.CLOSED) as bench:
            assert process.stdout is not None
            assert await process.stdout.readline() == b"here\n"
            bench.trusted = True
            taken_reader, taken_writer = await tunnel(bench, "partly.test", 443)
            assert await taken_reader.readexactly(27) == b"taken by the one that spins"
            reader, writer = await tunnel(bench, "partly.test", 443)
            assert (await reader.read()).startswith(b"HTTP/1.1 503 ")
            process.kill()
            assert await ended(taken_reader), "whoever was taken does not hang either"
            for each in (taken_writer, writer):
                each.close()
    finally:
        handing.close()
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def ended(reader: asyncio.StreamReader) -> bool:
    with contextlib.suppress(ConnectionResetError):
        return await reader.read() == b""
    return True
