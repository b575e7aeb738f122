"""Requests in plain HTTP through the front: a scripted server on real sockets, and an inspector's end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Callable
from ipaddress import ip_address

import pytest

from indicators.classifier import Classifier
from indicators.memory_index import MemoryIndex
from indicators.settings import PolicySettings
from proxy.dns.wire import Lookup
from proxy.front import exchange, web
from proxy.hand_over import Kind
from proxy.judging_again import end_stopped
from tests.support.deaf import attempts, deaf
from tests.support.front import KNOWN, Bench, echo, front, indicator, origin, tunnel, welcomed
from tests.support.site import HTML, Site, site


@contextlib.asynccontextmanager
async def plain(bench: Bench) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
    try:
        yield reader, writer
    finally:
        writer.close()


def get(where: Site, path: str = "/", host: str = "clean.test", more: str = "", method: str = "GET") -> bytes:
    return f"{method} http://{host}:{where.port}{path} HTTP/1.1\r\nHost: {host}:{where.port}\r\n{more}\r\n".encode()


async def head_of(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


async def test_requests_of_one_connection_are_served_in_order_over_one_connection_to_the_server() -> None:
    async with asyncio.timeout(10), front("http") as bench, site() as there, plain(bench) as (reader, writer):
        writer.write(b"\r\n" + get(there, "/1") + get(there, "/2?a=b") + get(there, "/3"))  # pipelined
        for _ in range(3):
            assert await head_of(reader) == HTML[:-5]
            assert await reader.readexactly(5) == b"hello"
        writer.write(get(there, "", more="Connection: close\r\n"))
        assert await reader.read() == HTML[:-7] + b"Connection: close\r\n\r\nhello"
        await until(lambda: not bench.waiting)
    assert there.lines == [b"GET %s HTTP/1.1" % path for path in (b"/1", b"/2?a=b", b"/3", b"/")]
    assert there.connections == 1
    assert bench.given.empty()
    assert bench.passed == ["clean.test"]


async def until(true: Callable[[], bool]) -> None:
    while not true():
        await asyncio.sleep(0.001)


async def test_what_is_between_us_and_a_neighbour_goes_no_further_and_the_target_overrides_host() -> None:
    answer = (
        b"HTTP/1.1 200 Fine\r\nKeep-Alive: timeout=5\r\nConnection: X-Hop\r\nX-Hop: 1\r\nX-Stays: 2\r\n"
        b'Alt-Svc: h3=":443"\r\nProxy-Authenticate: Basic\r\nContent-Type: image/png\r\nContent-Length: 0\r\n\r\n'
    )
    async with asyncio.timeout(10), front("http") as bench, site(answer) as there, plain(bench) as (reader, writer):
        writer.write(
            f"GET http://clean.test:{there.port}/?q HTTP/1.1\r\nHost: other.test\r\nProxy-Authorization: Basic eDp5\r\n"
            "Proxy-Connection: keep-alive\r\nConnection: keep-alive, X-Mine\r\nX-Mine: 1\r\nTE: trailers\r\n"
            "Upgrade: h2c\r\nCookie: a=b\r\nUser-Agent: it/1\r\n\r\n".encode()
        )
        bench.passwords["x"] = "y"
        told = await head_of(reader)
    assert told == b"HTTP/1.1 200 Fine\r\nX-Stays: 2\r\nContent-Type: image/png\r\nContent-Length: 0\r\n\r\n"
    assert there.heads == [
        b"GET /?q HTTP/1.1\r\nHost: clean.test:%d\r\nCookie: a=b\r\nUser-Agent: it/1\r\n\r\n" % there.port
    ]
    assert bench.agents == ["it/1"]


@pytest.mark.parametrize(
    ("host", "path", "said"),
    [
        ("evil.test", "/", ""),
        ("clean.test", "/", "evil.test"),
        ("partly.test", "/bad/x", ""),
        ("watched.test", "/", ""),
        ("clean.test", "/.seawall/continue", ""),
        ("clean.test", "/setup.exe?x", ""),
        ("seawall.internal", "/", ""),
        ("unreachable-resolver.test", "/", ""),
        ("foo.09", "/", ""),
        ("clean.test", "/", "a@b"),
        ("u@clean.test", "/", ""),
    ],
)
@pytest.mark.parametrize("later", [False, True])
async def test_a_request_that_needs_the_inspector_is_handed_over_also_a_later_one(
    host: str, path: str, said: str, later: bool
) -> None:
    async with asyncio.timeout(10), front("http") as bench, site() as there, plain(bench) as (reader, writer):
        if later:
            writer.write(get(there))
            assert (await reader.readexactly(len(HTML))) == HTML
        request = f"GET http://{host}:{there.port}{path} HTTP/1.1\r\nHost: {said or host}\r\n\r\n".encode()
        writer.write(request + b"GET")
        given, client = await bench.given.get()
        with client:
            assert (given.kind, given.host, given.upstream) == (Kind.HTTP, "", None)
            assert given.data == request + b"GET"
    assert len(there.heads) == int(later), "nothing of it was sent to a server"


@pytest.mark.parametrize(
    "request_",
    [
        b"POST http://clean.test/ HTTP/1.1\r\nHost: clean.test\r\nContent-Length: 1\r\n\r\n",
        b"DELETE http://clean.test/ HTTP/1.1\r\nHost: clean.test\r\n\r\n",
        b"GET http://clean.test/ HTTP/1.0\r\nHost: clean.test\r\n\r\n",
        b"GET http://clean.test/ HTTP/1.1\r\n\r\n",
        b"GET https://clean.test/ HTTP/1.1\r\nHost: clean.test\r\n\r\n",
        b"PUT /path HTTP/1.1\r\nHost: clean.test\r\n\r\n",
        b"GET http://clean.test:0/ HTTP/1.1\r\nHost: clean.test\r\n\r\n",
        b"GET http://[clean.test/ HTTP/1.1\r\nHost: clean.test\r\n\r\n",
        b"GET http://clean.test/#x HTTP/1.1\r\nHost: clean.test\r\n\r\n",
    ],
)
async def test_what_the_front_does_not_serve_itself_is_the_inspectors(request_: bytes) -> None:
    async with asyncio.timeout(10), front("http") as bench, plain(bench) as (_, writer):
        writer.write(request_)
        given, client = await bench.given.get()
        client.close()
        assert given.data == request_


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"Content-Length: 3\r\nContent-Length: 3\r\n\r\n",
        b"Transfer-Encoding: gzip\r\n\r\n",
        b"A: b\r\n folded\r\n\r\n",
        b"A: b\rX: c\r\n\r\n",
        b"A : b\r\n\r\n",
        b"A: b\n\r\n",
        b"Host: other.test\r\n\r\n",
        b"A: " + b"a" * 65536,
    ],
)
@pytest.mark.parametrize("later", [False, True])
async def test_a_head_that_can_be_read_in_two_ways_is_answered_400(rest: bytes, later: bool) -> None:
    async with asyncio.timeout(10), front("http") as bench, site() as there, plain(bench) as (reader, writer):
        if later:
            writer.write(get(there))
            assert (await reader.readexactly(len(HTML))) == HTML
        writer.write(get(there, method="POST")[:-2] + rest)
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
    assert len(there.heads) == int(later)
    assert bench.given.empty()


def no_bodies(bench: Bench) -> None:
    """Let no hash be known: bodies are nobody's matter."""
    bench.classifier = Classifier(MemoryIndex(KNOWN), (), PolicySettings())


@pytest.mark.parametrize(
    ("framing", "body", "expected"),
    [
        ("Content-Length: 6", b"abcdef", b"abcdef"),
        ("Transfer-Encoding: chunked", b"3;x=1\r\nabc\r\n0\r\nT: x\r\n\r\n", b"3\r\nabc\r\n0\r\n\r\n"),
        ("Content-Length: 6\r\nExpect: 100-continue", b"abcdef", b"abcdef"),
    ],
)
async def test_a_body_goes_on_as_it_comes(framing: str, body: bytes, expected: bytes) -> None:
    async with asyncio.timeout(10), front("http") as bench, site() as there, plain(bench) as (reader, writer):
        no_bodies(bench)
        for _ in range(2):
            writer.write(get(there, method="POST", more=framing + "\r\n"))
            if "Expect" in framing:
                assert await head_of(reader) == b"HTTP/1.1 100 Continue\r\n\r\n"
            for at in range(len(body)):
                writer.write(body[at : at + 1])
                await writer.drain()
            assert await reader.readexactly(len(HTML)) == HTML
    assert there.bodies == [expected, expected]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"zz\r\n", b"HTTP/1.1 400 "),
        (b"3\r\nabcd", b"HTTP/1.1 400 "),
        (b"0\r\nA: b\r\n c\r\n\r\n", b"HTTP/1.1 400 "),
        (b"0\r\nA: b\rc\r\n\r\n", b"HTTP/1.1 400 "),
        (b"3\r\nab", b""),
    ],
)
async def test_a_body_that_is_none_is_answered_400_and_one_that_breaks_off_is_never_whole(
    body: bytes, status: bytes
) -> None:
    async with asyncio.timeout(10), front("http") as bench, site() as there, plain(bench) as (reader, writer):
        no_bodies(bench)
        writer.write(get(there, method="POST", more="Transfer-Encoding: chunked\r\n") + body)
        writer.write_eof()
        answered = b""
        with contextlib.suppress(ConnectionResetError):
            answered = await reader.read()
        assert answered.startswith(status)
        assert b" 200 " not in answered
    assert there.bodies == []


async def test_a_server_that_answers_before_the_body_has_come_is_heard() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too long\r\nContent-Length: 0\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()

    async with asyncio.timeout(10), front("http") as bench, origin(refuse) as port, plain(bench) as (reader, writer):
        no_bodies(bench)
        writer.write(get(Site(port=port), method="POST", more="Content-Length: 1000\r\n") + b"abc")
        assert await reader.read() == b"HTTP/1.1 413 Too long\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("method", "answer", "expected"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n", b"HTTP/1.1 204 No\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n", b"HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n"),
        ("GET", b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + HTML, b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + HTML),
        (
            "GET",
            b"HTTP/1.1 200 OK\r\nContent-Type: font/a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT:\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Type: font/a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        ),
    ],
)
async def test_where_an_answer_ends(method: str, answer: bytes, expected: bytes) -> None:
    async with asyncio.timeout(10), front("http") as bench, site(answer) as there, plain(bench) as (reader, writer):
        for _ in range(2):
            writer.write(get(there, method=method))
            assert await reader.readexactly(len(expected)) == expected
    assert there.connections == 1


@pytest.mark.parametrize(
    ("start", "resets", "whole"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 9\r\n\r\nhello", False, False),
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            False,
            False,
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello!", False, False),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\nhello", False, True),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\nhello", True, False),
        (b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello", False, True),
    ],
)
async def test_an_answer_that_breaks_off_is_never_a_whole_one(start: bytes, resets: bool, whole: bool) -> None:
    async with (
        asyncio.timeout(10),
        front("http") as bench,
        site(start, closes_after=1, resets=resets) as there,
        plain(bench) as (reader, writer),
    ):
        writer.write(get(there, more="Connection: close\r\n" if whole else ""))
        read, ended = b"", True
        try:
            while data := await reader.read(100):
                read += data
        except ConnectionResetError:
            ended = False
        assert ended is whole
        assert not whole or read.endswith(b"Connection: close\r\n\r\nhello")


async def test_a_kept_connection_that_the_server_has_closed_is_tried_anew_once() -> None:
    async with asyncio.timeout(10), front("http") as bench, site(closes_after=1) as there, plain(bench) as (reader, w):
        for _ in range(3):
            w.write(get(there))
            assert await reader.readexactly(len(HTML)) == HTML
    assert (there.connections, len(there.heads)) == (3, 3)


async def test_a_server_that_ends_within_its_head_is_a_bad_gateway() -> None:
    async with asyncio.timeout(10), front("http") as bench, site(HTML, b"HTTP/1.1 2", closes_after=2) as there:
        async with plain(bench) as (reader, writer):
            writer.write(get(there) + get(there))
            assert await reader.readexactly(len(HTML)) == HTML
            assert (await reader.read()).startswith(b"HTTP/1.1 502 ")
        async with plain(bench) as (reader, writer):
            there.closes_after = 0
            writer.write(get(there))
            assert (await reader.read()).startswith(b"HTTP/1.1 502 ")


async def test_a_server_that_cannot_be_reached_is_a_bad_gateway() -> None:
    async with asyncio.timeout(10), front("http") as bench, plain(bench) as (reader, writer):
        async with origin(echo) as port:
            pass
        writer.write(get(Site(port=port)))
        assert (await reader.read()).startswith(b"HTTP/1.1 502 ")


async def test_a_connection_is_used_again_only_at_an_address_that_is_judged_now() -> None:
    async with asyncio.timeout(10), front("http") as bench, site() as there, plain(bench) as (reader, writer):
        bench.resolved["moves.test"] = Lookup((ip_address("127.0.0.1"),), ttl=1)
        for at, address in ((0.0, "127.0.0.1"), (0.5, "127.0.0.1"), (5.0, "127.0.0.2")):
            bench.now = at
            bench.resolved["moves.test"] = Lookup((ip_address(address),), ttl=1)
            if address == "127.0.0.2":
                writer.write(get(there, host="moves.test"))
                assert (await reader.read()).startswith(b"HTTP/1.1 502 "), "the site listens at 127.0.0.1 only"
                continue
            writer.write(get(there, host="moves.test"))
            assert await reader.readexactly(len(HTML)) == HTML
    assert there.connections == 1


FILE = b"HTTP/1.1 200 OK\r\nContent-Type: application/zip\r\nContent-Length: 4\r\n\r\nPK"


@pytest.mark.parametrize(
    "answer",
    [
        FILE,
        FILE.replace(b"application/zip", b"text/html\r\nContent-Disposition: attachment"),
        FILE.replace(b"200 OK", b"206 Part").replace(b"application/zip", b"video/mp4"),
        FILE.replace(b"\r\nContent-Length: 4", b""),
        FILE.replace(b"OK\r\n", b"OK\r\nA: b\r\n c\r\n"),
        FILE.replace(b"OK\r\n", b"OK\r\nTransfer-Encoding: chunked\r\n"),
        b"no response at all",
    ],
)
@pytest.mark.parametrize("inside", [False, True])
async def test_an_answer_that_is_to_be_looked_into_changes_hands_with_its_connection(
    answer: bytes, inside: bool
) -> None:
    """The server is asked once only, and the client has not seen a byte of the answer."""
    async with asyncio.timeout(10), front("http") as bench, site(answer) as there:
        if inside:
            reader, writer = await tunnel(bench, "clean.test", there.port)
            assert await welcomed(bench, reader)
        else:
            reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
        request = b"GET /file HTTP/1.1\r\nHost: clean.test\r\n\r\n" if inside else get(there, "/file")
        writer.write(request + b"GET /next")
        given, client = await bench.given.get()
        with client:
            assert given.upstream
            with given.upstream:
                assert given.upstream.getpeername() == ("127.0.0.1", there.port)
                assert (given.kind, given.host, given.port) == (
                    Kind.TUNNEL if inside else Kind.HTTP,
                    "clean.test",
                    there.port,
                )
                assert given.data.startswith(request)
                assert answer.startswith(given.answered)
                assert given.answered
            client.send(b"the inspector's")
            assert await reader.readexactly(15) == b"the inspector's"
        writer.close()
    assert len(there.heads) == 1


async def test_where_every_file_is_scanned_no_hash_need_be_known() -> None:
    async with asyncio.timeout(10), front("http", scans=True) as bench, site(FILE) as there, plain(bench) as (_, w):
        no_bodies(bench)
        w.write(get(there))
        given, client = await bench.given.get()
        client.close()
        assert given.upstream
        given.upstream.close()


async def test_where_bodies_are_nobodys_matter_a_download_is_passed_on() -> None:
    async with asyncio.timeout(10), front("http") as bench, site(FILE + b"!!") as there, plain(bench) as (reader, w):
        no_bodies(bench)
        w.write(get(there, "/a.zip"))
        assert await reader.readexactly(len(FILE) + 2) == FILE + b"!!"
    assert bench.given.empty()


@pytest.mark.parametrize("listener", ["http", "socks"])
async def test_plain_http_inside_a_tunnel_is_served_on_any_port(listener: str) -> None:
    async with asyncio.timeout(10), front(listener) as bench, site() as there:
        reader, writer = await tunnel(bench, "clean.test", there.port)
        assert await welcomed(bench, reader)
        for at in range(2):
            writer.write(b"GET /%d HTTP/1.1\r\nHost: other.test\r\n\r\n" % at)
            assert await reader.readexactly(len(HTML)) == HTML
        writer.write(b"GET /bad HTTP/1.1\r\nHost: partly.test\r\n\r\n")
        given, client = await bench.given.get()
        client.close()
        assert (given.kind, given.host, given.port) == (Kind.TUNNEL, "clean.test", there.port)
        assert given.data.startswith(b"GET /bad ")
        writer.close()
    assert there.lines == [b"GET /0 HTTP/1.1", b"GET /1 HTTP/1.1"]
    assert all(b"Host: other.test\r\n" in head for head in there.heads)


@pytest.mark.parametrize("start", [b"PROPFIND", b"FOO", b"\r\nGET", b"OPTIONS"])
async def test_plain_http_is_known_by_more_than_the_usual_methods(start: bytes) -> None:
    async with asyncio.timeout(10), front("http") as bench, site() as there:
        reader, writer = await tunnel(bench, "partly.test", there.port)
        assert await welcomed(bench, reader)
        writer.write(start + b" /bad HTTP/1.1\r\nHost: partly.test\r\n\r\n")
        given, client = await bench.given.get()
        client.close()
        assert given.data.startswith(start)
        writer.close()
    assert there.heads == []


@pytest.mark.parametrize("line", [b"OPTIONS sip:a@clean.test SIP/2.0\r\n", b"OPTIONS rtsp://clean.test/ RTSP/1.0\r\n"])
async def test_what_begins_like_http_and_is_another_protocol_passes_untouched(line: bytes) -> None:
    async with asyncio.timeout(10), front("http") as bench, origin(echo) as port:
        reader, writer = await tunnel(bench, "clean.test", port)
        assert await welcomed(bench, reader)
        for at in range(len(line)):
            writer.write(line[at : at + 1])
            await writer.drain()
        assert await reader.readexactly(len(line)) == line
        writer.close()
    assert bench.given.empty()


async def test_redirected_plain_http_is_judged_by_its_url() -> None:
    async with asyncio.timeout(10), front("transparent") as bench, site() as there:
        bench.redirected_to = ("127.0.0.1", there.port)
        async with plain(bench) as (reader, writer):
            writer.write(b"GET / HTTP/1.1\r\nHost: clean.test\r\n\r\n")
            assert await reader.readexactly(len(HTML)) == HTML
            writer.write_eof()
            assert await reader.read() == b""
        async with plain(bench) as (_, writer):
            writer.write(b"GET /bad HTTP/1.1\r\nHost: partly.test\r\n\r\n")
            _, client = await bench.given.get()
            client.close()
    assert len(there.heads) == 1


@pytest.mark.parametrize("scheme", [b"http:", b"ws:"])
async def test_a_websocket_becomes_a_tunnel_that_is_judged_again(scheme: bytes) -> None:
    async def switch(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n" in head
        assert b"Sec-WebSocket-Key: k\r\n" in head
        writer.write(
            b"HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: a\r\n\r\nhi"
        )
        await echo(reader, writer)

    async with asyncio.timeout(10), front("http") as bench, origin(switch) as port, plain(bench) as (reader, writer):
        more = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n"
        writer.write(get(Site(port=port), "/chat", more=more).replace(b"http:", scheme, 1) + b"early")
        assert (
            await head_of(reader)
        ) == b"HTTP/1.1 101 Go\r\nSec-WebSocket-Accept: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        assert await reader.readexactly(7) == b"hiearly"
        writer.write(b"\x81\x01a")
        assert await reader.readexactly(3) == b"\x81\x01a"
        assert len(bench.tunnels) == 1
        bench.classifier = Classifier(MemoryIndex([*KNOWN, indicator("clean.test")]), (), PolicySettings())
        assert len(await end_stopped(bench.tunnels.opened(), bench.judge)) == 1
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""


async def test_a_download_from_a_host_that_is_blocked_meanwhile_is_broken_off() -> None:
    endless = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1000\r\n\r\nhello"
    async with asyncio.timeout(10), front("http") as bench, site(endless) as there, plain(bench) as (reader, writer):
        writer.write(get(there))
        await reader.readuntil(b"hello")
        assert len(bench.tunnels) == 1
        bench.classifier = Classifier(MemoryIndex([*KNOWN, indicator("clean.test")]), (), PolicySettings())
        assert len(await end_stopped(bench.tunnels.opened(), bench.judge)) == 1
        with pytest.raises(ConnectionResetError):
            await reader.read()


async def test_a_client_that_reads_slowly_holds_the_server_back() -> None:
    """Invariant: what is written for a client that does not read is bounded, however much the server would send."""
    sent = 0

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: %d\r\n\r\n" % total)
        with contextlib.suppress(ConnectionError):
            while sent < total:
                writer.write(bytes(65536))
                sent += 65536
                await writer.drain()
        writer.close()

    total = 256 * 1024 * 1024
    async with asyncio.timeout(30), front("http") as bench, origin(pour) as port, plain(bench) as (reader, writer):
        writer.write(get(Site(port=port)))
        await reader.readuntil(b"\r\n\r\n")
        held = -1
        while held != sent:
            held = sent
            await asyncio.sleep(0.2)  # what could still flow has flowed when two looks show the same
        assert sent < total / 4
        (client,) = [one.client for one in bench.tunnels]  # type: ignore[attr-defined]
        assert client.transport.get_write_buffer_size() < 512 * 1024


async def test_a_client_that_says_nothing_more_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "IDLE", 0.01)
    async with asyncio.timeout(10), front("http") as bench, site() as there, plain(bench) as (reader, writer):
        writer.write(get(there))
        assert await reader.read() == HTML
        writer.close()
        await until(lambda: not bench.waiting)


@pytest.mark.parametrize("part", ["a head", "a body"])
async def test_a_client_in_crumbs_is_closed(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.front.client.BEFORE_VERDICT", 0.05)
    monkeypatch.setattr(exchange, "SLOW_BODY", 0.05)
    async with asyncio.timeout(10), front("http") as bench, site() as there, plain(bench) as (reader, writer):
        no_bodies(bench)
        if part == "a body":
            writer.write(get(there, method="POST", more="Content-Length: 10\r\n") + b"a")
        else:
            writer.write(get(there)[:-1])
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""


async def test_a_client_that_leaves_within_an_answer_closes_its_server() -> None:
    asked, gone = asyncio.Event(), asyncio.Event()

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        with contextlib.suppress(ConnectionError):
            await reader.read()
        gone.set()
        writer.close()

    async with asyncio.timeout(10), front("http") as bench, origin(wait) as port:
        async with plain(bench) as (_, writer):
            writer.write(get(Site(port=port)))
            await asked.wait()
            assert len(bench.tunnels) == 1
            writer.transport.abort()
        await gone.wait()
        await until(lambda: len(bench.tunnels) == 0)


@pytest.mark.parametrize("resets", [False, True])
async def test_a_client_that_leaves_while_its_server_is_being_dialled_is_let_go(resets: bool) -> None:
    async with asyncio.timeout(8), front("http") as bench:
        with deaf() as port:
            before = attempts(port)
            async with plain(bench) as (_, writer):
                writer.write(get(Site(port=port)))
                await until(lambda: attempts(port) > before)
                if resets:
                    sock = writer.get_extra_info("socket")
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            await until(lambda: len(bench.tunnels) == 0 and attempts(port) == before)


@pytest.mark.parametrize("body", ["", "abc"])
async def test_a_client_that_has_asked_and_ended_waits_for_no_answer(body: str) -> None:
    gone = asyncio.Event()

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.read()
        gone.set()
        writer.close()

    async with asyncio.timeout(8), front("http") as bench, origin(wait) as port:
        no_bodies(bench)
        method, more = ("POST", f"Content-Length: {len(body)}\r\n") if body else ("GET", "")
        async with plain(bench) as (_, writer):
            writer.write(get(Site(port=port), method=method, more=more) + body.encode())
            writer.write_eof()
            if body:
                await gone.wait()
            await until(lambda: not bench.waiting and len(bench.tunnels) == 0)


async def test_a_password_is_asked_for_with_each_request() -> None:
    async with asyncio.timeout(10), front("http") as bench, site() as there, plain(bench) as (reader, writer):
        bench.passwords["x"], bench.wants_password = "y", True
        writer.write(get(there, more="Proxy-Authorization: Basic eDp5\r\n"))
        assert await reader.readexactly(len(HTML)) == HTML
        writer.write(get(there))
        assert (await reader.read()).startswith(b"HTTP/1.1 407 ")


async def test_connect_may_follow_on_a_connection_that_was_asked_in_plain_http() -> None:
    async with (
        asyncio.timeout(10),
        front("http") as bench,
        site() as there,
        origin(echo) as port,
        plain(bench) as (reader, writer),
    ):
        writer.write(get(there))
        assert await reader.readexactly(len(HTML)) == HTML
        writer.write(f"CONNECT clean.test:{port} HTTP/1.1\r\nHost: clean.test\r\n\r\n".encode())
        assert b" 200 " in await head_of(reader)
        writer.write(b"\0raw")
        assert await reader.readexactly(4) == b"\0raw"
