"""An exchange that was begun elsewhere is finished by a real inspector, and the server is asked once only."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from addons.arrivals import Arrivals
from addons.begun import Begun, connection, go_on
from indicators.indicator import Indicator
from indicators.words import IndicatorType
from proxy.front.sender import Sender
from proxy.hand_over import HandOver, Kind
from proxy.inspector.taker import Taker
from tests.support.front import indicator
from tests.support.inspecting import Inspecting, device_of, inspecting
from tests.support.site import Site, site

FILE = b"PK\x03\x04" + bytes(200_000)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/zip\r\nContent-Length: %d\r\n\r\n" % len(FILE) + FILE
SMALL = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nlater"


@dataclass
class Handed:
    """Hold a client that was handed over with a server that has begun to answer it."""

    inspector: Inspecting
    there: Site
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def answer(self) -> tuple[bytes, bytes]:
        """Read one answer."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        return head, await self.reader.readexactly(length)

    def ask(self, path: str) -> None:
        """Ask for another path on the same connection."""
        self.writer.write(request(self.there, path))


def request(there: Site, path: str) -> bytes:
    return f"GET http://good.test:{there.port}{path} HTTP/1.1\r\nHost: good.test:{there.port}\r\n\r\n".encode()


@contextlib.asynccontextmanager
async def handed(folder: Path, *indicators: Indicator, judged: str = "127.0.0.1") -> AsyncIterator[Handed]:
    """Begin an exchange as the front does, and hand both of its ends over when a part of the answer has come."""
    arrivals, loop = Arrivals(), asyncio.get_running_loop()
    change = partial(replace, arrivals=arrivals)
    async with (
        asyncio.timeout(20),
        inspecting(folder, *indicators, change=change) as inspector,
        site(ANSWER, SMALL) as there,
    ):
        taker = Taker(folder / "inspector", partial(inspector.engine.serve, arrivals=arrivals))
        taker.start()
        upstream = socket.create_connection(("127.0.0.1", there.port))
        upstream.setblocking(False)
        await loop.sock_sendall(upstream, b"GET /file HTTP/1.1\r\nHost: good.test\r\n\r\n")
        answered = await loop.sock_recv(upstream, 1000)
        given = HandOver(
            Kind.HTTP,
            request(there, "/file"),
            device_of("127.0.0.1", "http"),
            "good.test",
            there.port,
            (ip_address(judged),),
            upstream=upstream,
            answered=answered,
        )
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.setblocking(False)
            reader, writer = await asyncio.open_connection(*server.getsockname())
            client, _ = await loop.sock_accept(server)
        sender = Sender(folder / "inspector")
        sender.send(given, client.fileno())
        client.close()
        upstream.close()
        try:
            yield Handed(inspector, there, reader, writer)
        finally:
            writer.close()
            taker.close()
            sender.end()
    assert len(arrivals) == 0


async def test_the_file_comes_whole_and_the_connection_is_used_on(tmp_path: Path) -> None:
    async with handed(tmp_path) as it:
        head, body = await it.answer()
        assert (head.split(b"\r\n")[0], body) == (b"HTTP/1.1 200 OK", FILE)
        it.ask("/next")
        assert (await it.answer())[1] == b"later"
        assert it.there.connections == 1
    assert it.there.lines == [b"GET /file HTTP/1.1", b"GET /next HTTP/1.1"]


async def test_a_file_whose_hash_is_known_is_replaced_by_the_page(tmp_path: Path) -> None:
    known = indicator(hashlib.sha256(FILE).hexdigest(), IndicatorType.SHA256)
    async with handed(tmp_path, known) as it:
        head, body = await it.answer()
        assert head.startswith(b"HTTP/1.1 403 ")
        assert FILE[:4] not in body


async def test_the_answer_to_a_request_that_is_stopped_now_is_nobody_elses(tmp_path: Path) -> None:
    """Were it taken for the answer to the next request, a site would speak for another."""
    async with handed(tmp_path) as it:
        it.inspector.policy.use([indicator("good.test/file", IndicatorType.URL)])
        head, _ = await it.answer()
        assert head.startswith(b"HTTP/1.1 403 ")
        it.ask("/next")
        assert (await it.answer())[1] == b"later"
        assert it.there.connections == 2


async def test_a_server_at_an_address_that_is_not_judged_is_not_heard(tmp_path: Path) -> None:
    async with handed(tmp_path, judged="127.0.0.2") as it:
        head, _ = await it.answer()
        assert head.startswith(b"HTTP/1.1 502 "), "only the judged address is dialled, where nobody listens"
        assert it.inspector.resolver.asked == []


async def test_a_connection_is_taken_once_and_closed_when_nobody_takes_it() -> None:
    ours, theirs = socket.socketpair()
    begun = Begun(ours, b"")
    assert begun.place == ("", 0), "it is no connection over the network"
    assert begun.take() is ours
    begun.close()
    assert (begun.take(), begun.place) == (None, ("", 0))
    Begun(ours, b"").close()
    assert theirs.recv(1) == b""
    theirs.close()


async def test_without_one_a_connection_is_made_as_ever() -> None:
    async def own(*args: Any, **more: Any) -> tuple[Any, ...]:
        return (*args, more)

    assert await connection(own, str, "a.test", 80, local_addr=None) == (str, "a.test", 80, {"local_addr": None})


async def test_what_a_server_said_since_follows_what_it_had_said_and_so_does_its_end() -> None:
    """A loop may read before anybody can pause it; the order is still the server's."""
    ours, theirs = socket.socketpair()
    loop = asyncio.get_running_loop()
    theirs.sendall(b"late")
    theirs.close()
    go_on(Begun(ours, b"early "))
    reader = asyncio.StreamReader()
    transport, _ = await connection(loop.create_connection, lambda: asyncio.StreamReaderProtocol(reader))
    await asyncio.sleep(0)  # another turn of the loop, in which nothing is to be read
    assert not reader._buffer  # type: ignore[attr-defined]
    transport.write(b"GET / HTTP/1.1\r\n\r\n")
    async with asyncio.timeout(20):
        assert await reader.read() == b"early late"
    transport.close()


async def test_what_is_written_first_is_dropped_up_to_the_end_of_its_head() -> None:
    ours, theirs = socket.socketpair()
    loop = asyncio.get_running_loop()
    with theirs:
        theirs.setblocking(False)
        go_on(Begun(ours, b"early "))
        reader = asyncio.StreamReader()
        transport, _ = await connection(loop.create_connection, lambda: asyncio.StreamReaderProtocol(reader))
        await loop.sock_sendall(theirs, b"late")
        for part in (b"GET / HTTP/1.1\r\nHo", b"st: a\r\n\r", b"\nrest", b" and more"):
            assert not reader._buffer or b"GET" not in part  # type: ignore[attr-defined]
            transport.write(part)
        assert await reader.readexactly(10) == b"early late"
        assert await loop.sock_recv(theirs, 100) == b"rest and more"
        assert transport.get_extra_info("socket") is not None
        transport.close()
