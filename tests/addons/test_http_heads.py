from __future__ import annotations

import asyncio

import pytest

from addons.http_heads import MAX_HEAD, ambiguity_of, unfit
from tests.addons.conftest import Start


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([b"GET / HTTP/1.1", b"Host: a"], ""),
        ([b"GET / HTTP/1.1", b"A: b", b" c"], "folded"),
        ([b"GET / HTTP/1.1", b"A: b", b"\tc"], "folded"),
        ([b"GET / HTTP/1.1", b"A: b\rX: c"], "control character in a header line"),
        ([b"GET / HTTP/1.1", b"A: b\nX: c"], "control character in a header line"),
        ([b"GET / HTTP/1.1", b"A: \0"], "control character in a header line"),
        ([b"GET /\r HTTP/1.1"], "control character in the request line"),
        ([b"POST / HTTP/1.1", b"Content-Length: 3", b"transfer-encoding: chunked"], "both Content-Length"),
        ([b"POST / HTTP/1.1", b"Content-Length: 3", b"content-length: 4"], "two Content-Length"),
        ([b"POST / HTTP/1.1", b"Transfer-Encoding: gzip, chunked"], "is not chunked"),
        ([b"POST / HTTP/1.1", b"Transfer-Encoding: chunked", b"Transfer-Encoding: x"], "is not chunked"),
        ([b"POST / HTTP/1.1", b"Transfer-Encoding: Chunked "], ""),
        ([b"GET / HTTP/1.1", b"Host: a", b"host: b"], "two Host headers"),
    ],
)
def test_heads_that_two_programs_could_read_in_two_ways(lines: list[bytes], why: str) -> None:
    found = ambiguity_of(lines)
    assert (why in found, bool(found)) == (True, bool(why))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", ""),
        (b"GET / HT", ""),
        (b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", ""),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\nbody\n\nof any form", ""),
        (b"GET / HTTP/1.1\nHost: a\n\n", "LF alone"),
        (b"GET / HTTP/1.1\r\nHost: a\n\r\n", "LF alone"),
        (b"GET / HTTP/1.1\r\nA: b\n\r\n\r\n", "control character"),
        (b"GET /" + b"a" * MAX_HEAD, "longer than"),
    ],
)
def test_what_cannot_become_a_head(data: bytes, why: str) -> None:
    found = unfit(data)
    assert (why in found, bool(found)) == (True, bool(why))


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"A: b\r\n folded\r\n\r\n",
        b"A: b\rX: c\r\n\r\n",
        b"Host: other.test\r\n\r\n",
        b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    ],
)
@pytest.mark.parametrize("later", [False, True])
async def test_an_ambiguous_request_is_answered_400_and_its_server_hears_nothing(
    start: Start, rest: bytes, later: bool
) -> None:
    gateway, site = await start()
    head = f"http://good.test:{site.http_port}/x HTTP/1.1\r\nHost: good.test:{site.http_port}\r\n".encode()
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.http)
        if later:
            writer.write(b"GET " + head + b"\r\n")
            assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
        writer.write(b"POST " + head + rest)
        assert b"HTTP/1.1 400 " in await reader.read()
        writer.close()
    assert [request.method for request in site.requests] == (["GET"] if later else [])


async def test_a_target_in_absolute_form_overrides_host_and_what_is_for_the_proxy_goes_no_further(start: Start) -> None:
    gateway, site = await start()
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.http)
        writer.write(
            f"GET http://good.test:{site.http_port}/x HTTP/1.1\r\nHost: other.test\r\n"
            "Proxy-Authorization: Basic dTpw\r\nProxy-Connection: keep-alive\r\n\r\n".encode()
        )
        assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
        writer.close()
    (request,) = site.requests
    headers = {name.lower(): value for name, value in request.headers.items()}
    assert headers["host"] == f"good.test:{site.http_port}"
    assert not [name for name in headers if name.startswith("proxy-")]
