from __future__ import annotations

import asyncio
from typing import Any

import pytest
from mitmproxy.http import Headers
from mitmproxy.proxy.layers.http import _http1
from mitmproxy.proxy.layers.http._events import ResponseTrailers

from addons import trailers
from tests.addons.conftest import Start
from tests.addons.test_request import BAD_PATH
from tests.addons.test_sharing import asking, scripted
from tests.support.browsing import line
from tests.support.wrapped import digest_of

TRAILED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
    b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"
)

WRAPPED = {
    _http1.make_body_reader: "9b076acda459637b",
    _http1.Http1Client.send: "35d961e20d481204",
    _http1.Http1Server.send: "cc218a1337c0f5cf",
}

trailers.install()


@pytest.mark.parametrize("wrapped", WRAPPED, ids=lambda wrapped: wrapped.__qualname__)
def test_what_is_wrapped_is_what_it_was(wrapped: Any) -> None:
    assert digest_of(wrapped) == WRAPPED[wrapped], "mitmproxy has changed it: look at the seam anew"


def test_installing_twice_changes_nothing() -> None:
    before = (_http1.make_body_reader, _http1.Http1Client.send, _http1.Http1Server.send)
    trailers.install()
    assert before == (_http1.make_body_reader, _http1.Http1Client.send, _http1.Http1Server.send)


@pytest.mark.parametrize("kind", [b"text/plain", b"application/zip"])
async def test_an_answer_with_trailers_comes_whole(start: Start, kind: bytes) -> None:
    gateway, site = await start(BAD_PATH)
    gateway.trust()
    async with scripted(site, TRAILED.replace(b"text/plain", kind)) as there, asyncio.timeout(20):
        url = f"https://mixed.test:{there.port}/good"
        async with line(url, http=gateway.http, trust=gateway.ca) as opened:
            for _ in range(2):
                answer = await opened.ask("/good")
                assert (answer.status, answer.body) == (200, b"hello")
        async with asking(gateway, there.port) as client:
            assert [await client.ask("/good") for _ in range(2)] == [200, 200]


async def test_trailers_of_a_request_go_no_further_than_http2(start: Start) -> None:
    gateway, site = await start(BAD_PATH)
    async with scripted(site) as there, asyncio.timeout(20), asking(gateway, there.port) as client:
        stream = client.begin("/good", "POST", b"a body", trailers=[("x-sum", "1")])
        assert await client.answers([stream]) == [200]
        assert await client.ask("/good") == 200
    assert there.bodies == [b"6\r\na body\r\n0\r\n\r\n", b""]


async def test_trailers_of_a_clients_request_are_no_reason_to_wait(start: Start) -> None:
    gateway, site = await start(BAD_PATH)
    async with scripted(site, tls=False) as there, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.http)
        head = f"POST http://mixed.test:{there.port}/good HTTP/1.1\r\nHost: mixed.test:{there.port}\r\n"
        body = "Transfer-Encoding: chunked\r\n\r\n6\r\na body\r\n0\r\nX-Sum: 1\r\n\r\n"
        for _ in range(2):
            writer.write((head + body).encode())
            assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(5)
        writer.close()
    assert there.bodies == [b"6\r\na body\r\n0\r\n\r\n"] * 2


def test_a_client_of_http1_is_not_told_those_of_a_server_of_http2() -> None:
    nobody: Any = None
    assert list(_http1.Http1Server.send(nobody, ResponseTrailers(1, Headers([(b"x-sum", b"1")])))) == []
