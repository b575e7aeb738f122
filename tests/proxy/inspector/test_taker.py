"""What comes to the inspector's socket is served, or ends without harm to the rest."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from indicators.observation import Device
from proxy import hand_over
from proxy.front.sender import Sender
from proxy.hand_over import HandOver, Kind
from proxy.inspector.taker import Taker

PHONE = Device("d", "phone")
GIVEN = HandOver(Kind.HTTP, b"already read ", PHONE)


class Served:
    """Answer each client with all it sent; or fail."""

    def __init__(self, error: OSError | None = None) -> None:
        self.count = 0
        self.error = error

    async def __call__(self, given: HandOver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.count += 1
        if self.error:
            raise self.error
        writer.write(await reader.read(100))
        await writer.drain()
        writer.close()


@asynccontextmanager
async def taking(folder: Path, serve: Served) -> AsyncIterator[Path]:
    path = folder / "i"
    taker = Taker(path, serve)
    taker.start()
    try:
        yield path
    finally:
        taker.close()
    assert not path.exists()


async def hand(path: Path) -> bytes:
    """Hand a client over and return what it is answered with."""
    client, ours = socket.socketpair()
    sender = Sender(path)
    try:
        sender.send(GIVEN, ours.fileno())
        ours.close()
        client.setblocking(False)
        async with asyncio.timeout(10):
            return await asyncio.get_running_loop().sock_recv(client, 200)
    finally:
        sender.end()
        client.close()


async def test_a_client_is_served_with_what_was_read_before(tmp_path: Path) -> None:
    async with taking(tmp_path, Served()) as path:
        assert await hand(path) == b"already read "


async def test_a_client_that_has_gone_ends_alone(tmp_path: Path) -> None:
    serve = Served(ConnectionResetError("gone"))
    async with taking(tmp_path, serve) as path:
        assert await hand(path) == b""
        serve.error = None
        assert await hand(path) == b"already read "
    assert serve.count == 2


async def test_what_is_no_hand_over_ends_that_front_alone(tmp_path: Path) -> None:
    async with taking(tmp_path, Served()) as path:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as front:
            front.setblocking(False)
            await asyncio.get_running_loop().sock_connect(front, str(path))
            client, ours = socket.socketpair()
            with client, ours:
                socket.send_fds(front, [b"no message of ours"], [ours.fileno()])
            async with asyncio.timeout(10):
                assert await asyncio.get_running_loop().sock_recv(front, 10) == b""
        assert await hand(path) == b"already read "


@pytest.mark.parametrize("refused", [None, OSError("no descriptor left")], ids=["another user", "no descriptor"])
async def test_a_front_that_is_not_let_in_harms_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: OSError | None
) -> None:
    accept, once = hand_over.accept, [True]

    def first_fails(server: socket.socket) -> socket.socket | None:
        found = accept(server)
        if not once:
            return found
        once.clear()
        if found is not None:
            found.close()
        if refused:
            raise refused
        return None

    monkeypatch.setattr(hand_over, "accept", first_fails)
    async with taking(tmp_path, Served()) as path:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as front:
            front.setblocking(False)
            await asyncio.get_running_loop().sock_connect(front, str(path))
            async with asyncio.timeout(10):
                assert await asyncio.get_running_loop().sock_recv(front, 10) == b""
        assert await hand(path) == b"already read "
    assert list(tmp_path.iterdir()) == []


async def test_a_device_that_is_gone_loses_what_it_has_open_and_others_keep_theirs(tmp_path: Path) -> None:
    async def serve(given: HandOver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(given.device.id.encode())
        await reader.read()

    taker = Taker(tmp_path / "i", serve)
    taker.start()
    sender = Sender(tmp_path / "i")
    clients = []
    for name in ("gone", "stays"):
        client, ours = socket.socketpair()
        sender.send(HandOver(Kind.HTTP, b"", Device(name, name)), ours.fileno())
        ours.close()
        client.setblocking(False)
        clients.append(client)
    gone, stays = clients
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(20):
        assert [await loop.sock_recv(one, 99) for one in clients] == [b"gone", b"stays"]
        assert taker.end(lambda device: device.id == "gone") == 1
        assert await loop.sock_recv(gone, 99) == b""
    with pytest.raises(BlockingIOError):
        stays.recv(99)
    assert taker.end(lambda device: device.id == "gone") == 0
    for one in (gone, stays):
        one.close()
    sender.end()
    taker.close()
