"""What passes through a real mitmproxy is judged again by what was seen of it, and ends when it may no longer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from addons.passing import Passing
from indicators.inspection import InspectLists
from indicators.words import Action
from tests.addons.conftest import Start
from tests.support.browsing import Line, line
from tests.support.inspecting import Inspecting
from tests.support.origin import Origin
from tests.support.sights import CUSTOM, indicator

OPENED = InspectLists.of(["mixed.test"], [])
WITHIN = 20  # seconds


@contextlib.asynccontextmanager
async def in_flight(site: Origin, url: str, **more: Any) -> AsyncIterator[Line]:
    """Begin a download that never ends."""
    begun = asyncio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b"a beginning")
        begun.set()
        await asyncio.Event().wait()
        return answer

    site.answers["/endless"] = endless
    async with line(url, **more) as opened:
        asking = asyncio.create_task(opened.ask("/endless"))
        try:
            async with asyncio.timeout(WITHIN):
                await begun.wait()
            yield opened
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)


@contextlib.asynccontextmanager
async def websocket(site: Origin, gateway: Inspecting) -> AsyncIterator[Line]:
    """Begin a WebSocket, and see that something comes over it."""

    async def greet(request: web.Request) -> web.StreamResponse:
        answer = web.WebSocketResponse()
        await answer.prepare(request)
        await answer.send_str("hello")
        await answer.receive()
        return answer

    site.answers["/socket"] = greet
    asked = (
        f"GET http://mixed.test:{site.http_port}/socket HTTP/1.1\r\nHost: mixed.test:{site.http_port}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    async with line(f"http://mixed.test:{site.http_port}/", http=gateway.http) as opened:
        opened.writer.write(asked.encode())
        async with asyncio.timeout(WITHIN):
            assert b" 101 " in await opened.reader.readuntil(b"\r\n\r\n")
            assert await opened.reader.readexactly(7) == b"\x81\x05hello"
        yield opened


@contextlib.asynccontextmanager
async def passing_by(kind: str, gateway: Inspecting, site: Origin) -> AsyncIterator[Line]:
    """Have something pass to mixed.test: raw bytes, TLS unopened, a WebSocket, a plain request, or a decrypted one."""
    if kind == "raw":
        async with line(f"raw://mixed.test:{site.raw_port}", socks=gateway.socks) as opened:
            await opened.reader.readexactly(5)
            yield opened
    elif kind == "unopened":
        url = f"https://mixed.test:{site.https_port}/"
        async with line(url, http=gateway.http, trust=site.certificate) as opened:
            assert (await opened.ask()).status == 200
            yield opened
    elif kind == "websocket":
        async with websocket(site, gateway) as opened:
            yield opened
    elif kind == "plain":
        async with in_flight(site, f"http://mixed.test:{site.http_port}/", http=gateway.http) as opened:
            yield opened
    else:
        gateway.trust()
        url = f"https://mixed.test:{site.https_port}/"
        async with in_flight(site, url, http=gateway.http, trust=gateway.ca) as opened:
            yield opened


async def has_ended(opened: Line) -> bool:
    """Wait until the other end closes."""
    with contextlib.suppress(OSError):
        async with asyncio.timeout(WITHIN):
            while not opened.reader.at_eof() and not opened.writer.is_closing():
                await asyncio.sleep(0.01)
    return True


def stopped(gateway: Inspecting, passing: Passing) -> set[str]:
    return {client for client, seen in passing if gateway.policy.judge(seen).stops}


@pytest.mark.parametrize("kind", ["raw", "unopened", "plain", "opened", "websocket"])
async def test_what_passes_ends_when_it_is_blocked_and_not_before(start: Start, kind: str) -> None:
    passing = Passing()
    gateway, site = await start(passing=passing, lists=OPENED)
    async with passing_by(kind, gateway, site) as opened:
        assert len(passing) == 1
        gateway.policy.use([indicator("other.test")])
        assert stopped(gateway, passing) == set()
        gateway.policy.use([indicator("mixed.test")])
        (client,) = stopped(gateway, passing)
        gateway.engine.hang_up_on(client)
        assert await has_ended(opened)
    async with asyncio.timeout(WITHIN):
        while len(passing):
            await asyncio.sleep(0.01)
    gateway.engine.hang_up_on(client)  # nobody any more


async def test_an_allowed_path_on_a_blocked_host_goes_on(start: Start) -> None:
    passing = Passing()
    allowed = indicator("mixed.test/endless", Action.ALLOW, CUSTOM)
    gateway, site = await start(indicator("mixed.test"), allowed, passing=passing)
    async with passing_by("opened", gateway, site):
        assert len(passing) == 1
        assert stopped(gateway, passing) == set()
        gateway.policy.use([indicator("mixed.test")])
        assert len(stopped(gateway, passing)) == 1


async def test_what_was_answered_is_forgotten(start: Start) -> None:
    passing = Passing()
    gateway, site = await start(indicator("evil.test"), passing=passing)
    async with line(f"http://mixed.test:{site.http_port}/", http=gateway.http) as opened:
        assert (await opened.ask()).status == 200
        assert len(passing) == 0
    async with line("http://mixed.test:9/", http=gateway.http) as opened:
        assert (await opened.ask()).status == 502
        assert len(passing) == 0
    async with line(f"http://evil.test:{site.http_port}/", http=gateway.http) as opened:
        assert (await opened.ask()).status == 403
        assert len(passing) == 0
