from __future__ import annotations

import asyncio

import pytest
from mitmproxy.proxy.layers.http._http1 import Http1Client

from addons import interim
from tests.addons.conftest import Start
from tests.addons.test_request import BAD_PATH
from tests.addons.test_sharing import asking, scripted
from tests.support.browsing import line
from tests.support.site import HTML
from tests.support.wrapped import digest_of

EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
BARE = b"HTTP/1.1 102\r\n\r\n"
WRITTEN_AGAINST = "415454c5fa8b5981"

interim.install()


def test_what_is_wrapped_is_what_it_was() -> None:
    assert digest_of(Http1Client.read_headers) == WRITTEN_AGAINST, "mitmproxy has changed it: look at the seam anew"


def test_installing_twice_changes_nothing() -> None:
    before = Http1Client.read_headers
    interim.install()
    assert before == Http1Client.read_headers


@pytest.mark.parametrize("before", [EARLY, EARLY + BARE + EARLY])
async def test_what_a_server_says_before_its_answer_is_not_the_answer(start: Start, before: bytes) -> None:
    gateway, site = await start(BAD_PATH)
    gateway.trust()
    async with scripted(site, before + HTML) as there, asyncio.timeout(20):
        url = f"https://mixed.test:{there.port}/good"
        async with line(url, http=gateway.http, trust=gateway.ca) as opened:
            for _ in range(2):
                answer = await opened.ask("/good")
                assert (answer.status, answer.body) == (200, b"hello")
        async with asking(gateway, there.port) as client:
            assert [await client.ask("/good") for _ in range(2)] == [200, 200]
