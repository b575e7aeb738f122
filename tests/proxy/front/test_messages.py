"""Heads are read in one way only and written anew without what is between two neighbours alone."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.front.bodies import Chunked, Counted, UntilEnd
from proxy.front.messages import (
    Response,
    ResponseError,
    body_of_response,
    is_last,
    read_response,
    size_of_response,
    tokens,
    write_response,
)

OK = b"HTTP/1.1 200 OK\r\n"


def read(*lines: bytes, first: bytes = OK) -> Response:
    found = read_response(first + b"".join(line + b"\r\n" for line in lines) + b"\r\n")
    assert found is not None
    return found


def test_a_head_is_awaited_until_it_is_whole() -> None:
    whole = OK + b"Content-Length: 2\r\n\r\n"
    for size in range(len(whole)):
        assert read_response(whole[:size]) is None
    found = read_response(whole + b"ok")
    assert found is not None
    assert (found.status, found.reason, found.head) == (200, b"OK", len(whole))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"SSH-2.0-x\r\n", id="another protocol"),
        pytest.param(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 50_000, id="no end"),
        pytest.param(OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", id="two lengths"),
        pytest.param(OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n", id="length twice"),
        pytest.param(OK + b"a: b\r\n c\r\n\r\n", id="folded"),
        pytest.param(OK + b"a: b\rc\r\n\r\n", id="bare CR"),
        pytest.param(b"HTTP/1.1 twohundred OK\r\n\r\n", id="no status"),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(data: bytes) -> None:
    with pytest.raises(ResponseError):
        read_response(data)


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    """Whatever a server sends is a response, not yet one, or refused; nothing else is raised."""
    with contextlib.suppress(ResponseError):
        read_response(b"HTTP/1.1 " + data)


@pytest.mark.parametrize(
    ("method", "first", "lines", "kind", "size"),
    [
        ("GET", OK, (b"Content-Length: 5",), Counted, 5),
        ("HEAD", OK, (b"Content-Length: 5",), Counted, 0),
        ("GET", b"HTTP/1.1 304 x\r\n", (b"Content-Length: 5",), Counted, 0),
        ("GET", b"HTTP/1.1 204 x\r\n", (), Counted, 0),
        ("GET", OK, (b"Transfer-Encoding: chunked",), Chunked, None),
        ("GET", OK, (), UntilEnd, None),
    ],
)
def test_where_a_body_ends(method: str, first: bytes, lines: tuple[bytes, ...], kind: type, size: int | None) -> None:
    """Follow RFC 9112, section 6.3."""
    response = read(*lines, first=first)
    assert isinstance(body_of_response(response, method), kind)
    assert size_of_response(response, method) == size


@pytest.mark.parametrize(
    ("first", "lines", "keeps"),
    [
        (OK, (), True),
        (OK, (b"Connection: foo, Close",), False),
        (b"HTTP/1.0 200 OK\r\n", (b"Connection: keep-alive",), False),
    ],
)
def test_whether_the_server_takes_another_request(first: bytes, lines: tuple[bytes, ...], keeps: bool) -> None:
    assert read(*lines, first=first).keeps_alive is keeps


def test_words_of_a_header() -> None:
    assert tokens(" Close , TE") == {"close", "te"}
    assert is_last({"proxy-connection": "close"})


def test_what_is_between_two_neighbours_goes_no_further() -> None:
    response = read(
        *(b"Content-Length: 2", b"Connection: X-Private", b"X-Private: 1", b"Keep-Alive: timeout=5"),
        *(b'Alt-Svc: h3=":443"', b"Set-Cookie: a=1", b"Set-Cookie: b=2"),
    )
    expected = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\n"
    assert write_response(response, last=False) == expected + b"\r\n"
    assert write_response(response, last=True) == expected + b"Connection: close\r\n\r\n"


def test_a_switch_of_protocols_names_the_protocol() -> None:
    switched = read(b"Connection: Upgrade", b"Upgrade: websocket", first=b"HTTP/1.1 101 Switching Protocols\r\n")
    written = write_response(switched, last=True)
    assert written.endswith(b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    assert not switched.is_interim
    assert read(first=b"HTTP/1.1 103 Early Hints\r\n").is_interim
