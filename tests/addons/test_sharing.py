from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

import h2.connection
import h2.errors
import h2.events
import pytest
from aiohttp import web
from mitmproxy.proxy.layers.http import HttpLayer
from mitmproxy.proxy.layers.http._http1 import Http1Client, Http1Connection

from addons import sharing
from addons.sharing import MOST
from tests.addons.conftest import Start
from tests.addons.test_request import BAD_PATH
from tests.addons.test_seams import shorten
from tests.support.browsing import Line, line
from tests.support.inspecting import Inspecting
from tests.support.origin import Origin
from tests.support.site import HTML, Site
from tests.support.wrapped import digest_of

WRAPPED = {
    HttpLayer.get_connection: "1aa1c63e3175766c",
    HttpLayer.register_connection: "deed6282affc431f",
    HttpLayer._handle_event: "6ba31883cc7a06b3",
    Http1Connection.mark_done: "dc5ed395ce4f0763",
}

sharing.install()


@pytest.mark.parametrize("wrapped", WRAPPED, ids=lambda wrapped: wrapped.__qualname__)
def test_what_is_wrapped_is_what_it_was(wrapped: Any) -> None:
    assert digest_of(wrapped) == WRAPPED[wrapped], "mitmproxy has changed it: look at the seam anew"


def test_installing_twice_changes_nothing() -> None:
    before = (HttpLayer.get_connection, Http1Client.mark_done)
    sharing.install()
    assert before == (HttpLayer.get_connection, Http1Client.mark_done)


class Streams:
    """Ask over one HTTP/2 connection, as many requests at a time as there are."""

    def __init__(self, opened: Line) -> None:
        self.opened = opened
        self.conn = h2.connection.H2Connection()
        self.conn.initiate_connection()
        self.statuses: dict[int, int] = {}
        self.ended: set[int] = set()
        self.broken: set[int] = set()

    def begin(self, path: str, method: str = "GET", body: bytes = b"", trailers: Sequence[tuple[str, str]] = ()) -> int:
        stream = self.conn.get_next_available_stream_id()
        fields = {":method": method, ":scheme": "https", ":authority": self.opened.host, ":path": path}
        self.conn.send_headers(stream, list(fields.items()), end_stream=not body)
        if body:
            self.conn.send_data(stream, body, end_stream=not trailers)
        if trailers:
            self.conn.send_headers(stream, trailers, end_stream=True)
        self.opened.writer.write(self.conn.data_to_send())
        return stream

    def leave(self, stream: int) -> None:
        self.conn.reset_stream(stream, h2.errors.ErrorCodes.CANCEL)
        self.opened.writer.write(self.conn.data_to_send())

    async def answers(self, streams: Iterable[int]) -> list[int]:
        wanted = list(streams)
        async with asyncio.timeout(20):
            while not self.ended >= set(wanted):
                await self.hear()
        return [self.statuses[stream] for stream in wanted]

    async def hear(self) -> None:
        data = await self.opened.reader.read(65536)
        assert data, "the connection has ended"
        self._take(self.conn.receive_data(data))
        self.opened.writer.write(self.conn.data_to_send())

    def _take(self, heard: list[h2.events.Event]) -> None:
        for event in heard:
            if isinstance(event, h2.events.ResponseReceived):
                self.statuses[event.stream_id] = int(dict(event.headers)[b":status"])
            elif isinstance(event, h2.events.StreamEnded):
                self.ended.add(event.stream_id)
            elif isinstance(event, h2.events.StreamReset):
                self.broken.add(event.stream_id)

    async def ask(self, path: str = "/", method: str = "GET", body: bytes = b"") -> int:
        return (await self.answers([self.begin(path, method, body)]))[0]


@contextlib.asynccontextmanager
async def asking(gateway: Inspecting, port: int) -> AsyncIterator[Streams]:
    gateway.trust()
    url = f"https://mixed.test:{port}/"
    async with line(url, http=gateway.http, trust=gateway.ca, protocols=["h2"]) as opened:
        yield Streams(opened)


@contextlib.asynccontextmanager
async def scripted(site: Origin, *answers: bytes, tls: bool = True, **more: Any) -> AsyncIterator[Site]:
    """Run a server of HTTP/1 with the origin's certificate that answers what it was given."""
    made, context = Site(list(answers) or [HTML], **more), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(site.certificate, site.key)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=context if tls else None)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()


class Slow:
    """Answer when it is let."""

    def __init__(self, site: Origin) -> None:
        self.may = asyncio.Event()
        self.begun = 0
        site.answers["/slow"] = self.answer  # type: ignore[assignment]

    async def answer(self, request: web.BaseRequest) -> web.Response:
        self.begun += 1
        await self.may.wait()
        return web.Response(text="at last")


async def test_requests_one_after_another_share_a_connection(start: Start) -> None:
    gateway, site = await start(BAD_PATH)
    async with asking(gateway, site.https_port) as client:
        asked = [("GET", b""), ("POST", b"a body" * 1000), ("HEAD", b""), ("GET", b"")]
        assert [await client.ask("/good", method, body) for method, body in asked] == [200] * 4
        assert await client.ask("/bad") == 403
        assert await client.ask("/good") == 200
    assert site.connections == 1
    assert [(got.method, got.body) for got in site.requests] == [*asked, ("GET", b"")]


async def test_no_stream_waits_for_ever_however_long_others_take(start: Start) -> None:
    """More than may be open at a time, all of them for longer than a server is given to accept."""
    gateway, site = await start(BAD_PATH)
    slow = Slow(site)
    shorten(gateway.addons, connect=0.3)
    async with asking(gateway, site.https_port) as client:
        streams = [client.begin("/slow") for _ in range(3 * MOST)]
        while slow.begun < MOST:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.6)  # longer than a server is given
        assert slow.begun == MOST
        slow.may.set()
        assert await client.answers(streams) == [200] * 3 * MOST
    assert site.connections == MOST


@pytest.mark.parametrize(
    "answer",
    [
        HTML.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
        HTML.replace(b"HTTP/1.1", b"HTTP/1.0"),
        HTML.replace(b"Content-Length: 5\r\n", b""),
        HTML + b"more than was said",
    ],
)
async def test_what_cannot_last_is_not_used_again(start: Start, answer: bytes) -> None:
    gateway, site = await start(BAD_PATH)
    async with (
        scripted(site, answer, closes_after=1 if b"Length" not in answer else 9) as there,
        asking(gateway, there.port) as client,
    ):
        assert [await client.ask("/good") for _ in range(3)] == [200] * 3
        assert await client.answers([client.begin("/good") for _ in range(2 * MOST)]) == [200] * 2 * MOST
    assert there.connections == len(there.heads) == 3 + 2 * MOST


async def test_one_that_the_server_may_be_closing_is_not_used_again(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway, site = await start(BAD_PATH)
    monkeypatch.setattr(sharing, "FRESH", 0.0)
    async with scripted(site) as there, asking(gateway, there.port) as client:
        assert [await client.ask("/good") for _ in range(3)] == [200] * 3
    assert there.connections == 3


async def test_one_that_the_server_has_closed_is_not_used_again(start: Start) -> None:
    gateway, site = await start(BAD_PATH)
    async with scripted(site, closes_after=1) as there, asking(gateway, there.port) as client:
        for _ in range(3):
            assert await client.ask("/good") == 200
            while len(gateway.engine._open_connections()) > 1:
                await asyncio.sleep(0.01)
    assert there.connections == 3


async def test_a_server_that_cannot_be_reached_is_said_to_all(start: Start) -> None:
    gateway, site = await start(BAD_PATH)
    async with scripted(site) as there:
        pass
    async with asking(gateway, there.port) as client:
        assert set(await client.answers([client.begin("/good") for _ in range(3 * MOST)])) == {502}


async def test_one_that_has_switched_is_not_used_again(start: Start) -> None:
    gateway, site = await start(BAD_PATH)
    async with (
        asyncio.timeout(20),
        scripted(site, b"HTTP/1.1 101 Go\r\n\r\n", HTML) as there,
        asking(gateway, there.port) as client,
    ):
        client.begin("/good")
        while not there.heads:
            await asyncio.sleep(0.01)
        assert await client.ask("/good") == 200
    assert there.connections == 2


@pytest.mark.parametrize("who", ["those at work", "those who wait"])
async def test_a_stream_that_leaves_takes_no_place_with_it(
    start: Start, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []
    real = sharing._Shared
    monkeypatch.setattr(sharing, "_Shared", lambda: made.append(real()) or made[-1])
    gateway, site = await start(BAD_PATH)
    slow = Slow(site)
    async with asking(gateway, site.https_port) as client:
        at_work = [client.begin("/slow") for _ in range(MOST)]
        while slow.begun < MOST:
            await asyncio.sleep(0.01)
        waiting = [client.begin("/slow") for _ in range(2 * MOST)]
        last = client.begin("/good")
        while sum(len(shared.waiting) for shared in made) <= 2 * MOST:
            await asyncio.sleep(0.01)
        leaving, staying = (at_work, waiting) if who == "those at work" else (waiting, at_work)
        for stream in leaving:
            client.leave(stream)
        if who == "those at work":
            while slow.begun < 2 * MOST:
                await asyncio.sleep(0.01)
        slow.may.set()
        assert set(await client.answers([*staying, last])) == {200}


async def test_nothing_is_dialled_for_a_client_that_has_gone(start: Start) -> None:
    gateway, site = await start(BAD_PATH)
    slow = Slow(site)
    async with asking(gateway, site.https_port) as client:
        for _ in range(3 * MOST):
            client.begin("/slow")
        while slow.begun < MOST:
            await asyncio.sleep(0.01)
        client.opened.writer.transport.abort()
        async with asyncio.timeout(20):
            while gateway.engine._open_connections():
                await asyncio.sleep(0.01)
        slow.may.set()
    assert (slow.begun, site.connections) == (MOST, MOST)
