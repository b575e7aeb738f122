from __future__ import annotations

import asyncio
from typing import Any

import h11
import pytest
from mitmproxy.proxy.layers.http._http1 import Http1Client, Http1Connection, Http1Server
from mitmproxy.proxy.server import ConnectionHandler

from addons import broken_off
from tests.addons.conftest import Start
from tests.addons.test_request import BAD_PATH
from tests.addons.test_sharing import asking, scripted
from tests.support.browsing import line
from tests.support.wrapped import digest_of

KINDS = {
    "by length": b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: 9\r\n\r\nhello",
    "in chunks": b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
}

WRITTEN_AGAINST = {
    Http1Connection.read_body: "aece271029af36e4",
    Http1Server.send: "cc218a1337c0f5cf",
    ConnectionHandler.handle_connection: "95c3f93e9824e527",
}

broken_off.install()


@pytest.mark.parametrize("leant_on", WRITTEN_AGAINST, ids=lambda leant_on: leant_on.__qualname__)
def test_what_we_lean_on_is_what_it_was(leant_on: Any) -> None:
    assert digest_of(leant_on) == WRITTEN_AGAINST[leant_on], "mitmproxy has changed it: look at the seam anew"


def test_installing_twice_changes_nothing() -> None:
    before = (Http1Client.read_body, Http1Server.send)
    broken_off.install()
    assert before == (Http1Client.read_body, Http1Server.send)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("resets", [False, True])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_part_is_never_taken_for_the_whole(start: Start, kind: str, resets: bool, scheme: str) -> None:
    gateway, site = await start(BAD_PATH)
    gateway.trust()
    async with scripted(site, KINDS[kind], tls=scheme == "https", closes_after=1, resets=resets) as there:
        url = f"{scheme}://mixed.test:{there.port}/good"
        async with asyncio.timeout(20), line(url, http=gateway.http, trust=gateway.ca) as opened:
            with pytest.raises((ConnectionError, h11.RemoteProtocolError)):
                await opened.ask("/good")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("resets", [False, True])
async def test_a_part_of_an_answer_resets_its_stream_of_http2_alone(start: Start, kind: str, resets: bool) -> None:
    gateway, site = await start(BAD_PATH)
    async with (
        scripted(site, KINDS[kind], closes_after=1, resets=resets) as there,
        asking(gateway, there.port) as client,
    ):
        streams = [client.begin("/good") for _ in range(2)]
        async with asyncio.timeout(20):
            while not client.broken >= set(streams):
                await client.hear()
        assert client.ended == set()
        assert await client.ask("/bad") == 403


UNTIL_ITS_END = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\n\r\nhello"


@pytest.mark.parametrize("resets", [False, True])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_what_ends_with_its_connection_is_whole_unless_that_is_reset(
    start: Start, resets: bool, scheme: str
) -> None:
    gateway, site = await start(BAD_PATH)
    gateway.trust()
    async with scripted(site, UNTIL_ITS_END, tls=scheme == "https", closes_after=1, resets=resets) as there:
        url = f"{scheme}://mixed.test:{there.port}/good"
        async with asyncio.timeout(20), line(url, http=gateway.http, trust=gateway.ca) as opened:
            if resets:
                with pytest.raises((ConnectionError, h11.RemoteProtocolError)):
                    await opened.ask("/good")
            else:
                assert (await opened.ask("/good")).body == b"hello"


@pytest.mark.parametrize("resets", [False, True])
async def test_over_http2_it_is_whole_unless_that_is_reset(start: Start, resets: bool) -> None:
    gateway, site = await start(BAD_PATH)
    async with (
        asyncio.timeout(20),
        scripted(site, UNTIL_ITS_END, closes_after=1, resets=resets) as there,
        asking(gateway, there.port) as client,
    ):
        stream = client.begin("/good")
        while not (client.ended | client.broken):
            await client.hear()
        assert client.broken == ({stream} if resets else set())
