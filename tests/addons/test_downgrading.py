from __future__ import annotations

from typing import Any

import h2.connection
import h2.events
import pytest
from h2.config import H2Configuration
from mitmproxy.proxy.layers.http import _http2
from mitmproxy.proxy.layers.http._http1 import Http1Client

from addons import downgrading
from addons.downgrading import unfit
from tests.addons.conftest import Start
from tests.addons.test_request import BAD_PATH
from tests.addons.test_sharing import Streams, asking, scripted
from tests.support.wrapped import digest_of

downgrading.install()

WRAPPED = {_http2.parse_h2_request_headers: "464eb8bb2fd7cae5", Http1Client.send: "35d961e20d481204"}
HEAD = {":method": "GET", ":scheme": "https", ":authority": "mixed.test", ":path": "/good"}


@pytest.mark.parametrize("wrapped", WRAPPED, ids=lambda wrapped: wrapped.__qualname__)
def test_what_is_wrapped_is_what_it_was(wrapped: Any) -> None:
    assert digest_of(wrapped) == WRAPPED[wrapped], "mitmproxy has changed it: look at the seam anew"


def test_installing_twice_changes_nothing() -> None:
    before = (_http2.parse_h2_request_headers, Http1Client.send)
    downgrading.install()
    assert before == (_http2.parse_h2_request_headers, Http1Client.send)


@pytest.mark.parametrize(
    ("changed", "fit"),
    [
        ({}, True),
        ({":path": "/a?b=c&d=%20#e"}, True),
        ({":path": "/ä"}, True),
        ({":path": "*", ":method": "OPTIONS"}, True),
        ({":method": "M-SEARCH"}, True),
        ({"content-length": "0"}, True),
        ({":path": "/good HTTP/1.1 x"}, False),
        ({":path": "/good\tx"}, False),
        ({":path": "/good\r\nX: y"}, False),
        ({":path": "http://evil.test/"}, False),
        ({":path": "good"}, False),
        ({":path": ""}, False),
        ({":method": "GET /bad"}, False),
        ({":method": ""}, False),
    ],
)
def test_a_request_is_the_same_one_in_both_versions_or_refused(changed: dict[str, str], fit: bool) -> None:
    fields = [(name.encode(), value.encode()) for name, value in {**HEAD, **changed}.items()]
    assert (unfit(fields) == "") is fit


def test_a_body_has_one_length() -> None:
    fields = [(name.encode(), value.encode()) for name, value in HEAD.items()]
    assert unfit([*fields, (b"content-length", b"1"), (b"content-length", b"2")])


async def told(client: Streams, *, body: bytes = b"", **changed: str) -> str:
    """Send a request as no library would; return its status, or how the connection or stream ended."""
    conn = client.conn = h2.connection.H2Connection(
        H2Configuration(validate_outbound_headers=False, normalize_outbound_headers=False)
    )
    conn.initiate_connection()
    fields = HEAD | {name.replace("_", "-") if name[0] != "p" else ":path": value for name, value in changed.items()}
    conn.send_headers(1, list(fields.items()), end_stream=not body)
    if body:
        conn.send_data(1, body, end_stream=True)
    client.opened.writer.write(conn.data_to_send())
    while data := await client.opened.reader.read(65536):
        for event in conn.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived):
                return dict(event.headers)[b":status"].decode()
            if isinstance(event, h2.events.ConnectionTerminated):
                return "terminated"
    return "closed"


async def test_what_two_servers_could_read_in_two_ways_reaches_none(start: Start) -> None:
    gateway, site = await start(BAD_PATH)
    async with scripted(site) as there:
        for path in ("/good HTTP/1.1 x", "http://evil.test/"):
            async with asking(gateway, there.port) as client:
                assert await told(client, path=path) == "terminated"
    assert there.connections == 0


async def test_a_body_is_no_request_of_its_own(start: Start) -> None:
    """A body without a length is sent in chunks, and what speaks of a body that never comes is sent without one."""
    gateway, site = await start(BAD_PATH)
    hidden = b"GET /bad HTTP/1.1\r\nHost: mixed.test\r\n\r\n"
    async with scripted(site) as there:
        async with asking(gateway, there.port) as client:
            assert await told(client, body=hidden) == "200"
        async with asking(gateway, there.port) as client:
            assert await told(client, body=hidden, content_length=str(len(hidden))) == "200"
        async with asking(gateway, there.port) as client:
            assert await told(client, content_length="5") == "200"
    assert there.bodies == [b"%x\r\n%s\r\n0\r\n\r\n" % (len(hidden), hidden), hidden, b""]
    assert there.lines == [b"GET /good HTTP/1.1"] * 3
