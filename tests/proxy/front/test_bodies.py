"""Each case is fed whole, then byte by byte; chunks are read as httptools reads them."""

from __future__ import annotations

import contextlib

import httptools
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.front.bodies import Body, BodyError, Chunked, Counted, UntilEnd

_POST = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


def fed(body: Body, data: bytes, step: int) -> bytes:
    return b"".join(body.feed(data[at : at + step]) for at in range(0, len(data), step))


def payload(chunks: bytes) -> bytes:
    """Return what httptools reads in chunks that we wrote."""
    return _by_httptools(chunks)[0]


class _Seen:
    def __init__(self) -> None:
        self.body = b""
        self.whole = False

    def on_body(self, part: bytes) -> None:
        self.body += part

    def on_message_complete(self) -> None:
        self.whole = True


def _by_httptools(chunks: bytes) -> tuple[bytes, bool, bool]:
    seen = _Seen()
    parser = httptools.HttpRequestParser(seen)
    parser.feed_data(_POST)
    good = True
    try:
        parser.feed_data(chunks)
    except httptools.HttpParserError:
        good = False
    return seen.body, seen.whole, good


@pytest.mark.parametrize("step", [1, 1000])
@pytest.mark.parametrize(
    ("data", "held", "rest"),
    [
        (b"0\r\n\r\n", b"", b""),
        (b"3\r\nabc\r\n0\r\n\r\nGET /", b"abc", b"GET /"),
        (b"00a \r\n0123456789\r\n1;x=y\r\n!\r\n0\r\nTrailer: x\r\nB: c\r\n\r\n", b"0123456789!", b""),
        (b"7\r\n0\r\n\r\n01\r\n0\r\n\r\n", b"0\r\n\r\n01", b""),
    ],
)
def test_chunks_are_read_and_written_anew(data: bytes, held: bytes, rest: bytes, step: int) -> None:
    body = Chunked()
    assert payload(fed(body, data, step)) == held
    assert (body.done, body.rest) == (True, rest)


@pytest.mark.parametrize("step", [1, 1000])
@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\r\n", "without a size"),
        (b"-1\r\n", "without a size"),
        (b"0x3\r\n", "without a size"),
        (b"3 4\r\n", "without a size"),
        (b"1" * 16 + b"\r\n", "without a size"),
        (b"3\nabc\r\n", "control character"),
        (b"3\rabc", "control character"),
        (b"3;\0\r\n", "control character"),
        (b"3\r\nabcd\r\n", "longer than its size"),
        (b"3\r\nabc\rx", "longer than its size"),
        (b"3\r\nabc\n\n", "longer than its size"),
        (b"0\r\nA: b\n\r\n", "control character"),
        (b"0\r\nA: b\rc\r\n\r\n", "control character"),
        (b"0\r\nA: b\r\n c\r\n\r\n", "folded line"),
        (b"0\r\n\tc\r\n\r\n", "folded line"),
        (b"3;" + b"x" * 5000, "too long"),
        (b"0\r\n" + b"A: b\r\n" * 20000, "too long"),
    ],
)
def test_what_are_no_chunks_is_an_error(data: bytes, why: str, step: int) -> None:
    with pytest.raises(BodyError, match=why):
        fed(Chunked(), data, step)


@given(
    st.lists(
        st.sampled_from([b"3\r\nabc\r\n", b"1\r\nx\r\n", b"0\r\n\r\n", b"\r", b"\n", b"0", b";", b"a"]), max_size=6
    )
)
@example([b"0\r\n\r\n", b"0\r\n\r\n"])
def test_nothing_is_read_otherwise_than_by_httptools(parts: list[bytes]) -> None:
    """Invariant: what we take, httptools takes too, with the same bytes and the same end."""
    data = b"".join(parts)
    body = Chunked()
    with contextlib.suppress(BodyError):
        out = body.feed(data)
        theirs, whole, good = _by_httptools(data[: len(data) - len(body.rest)])
        assert payload(out) == theirs
        assert (whole, good) == (True, True) if body.done else not whole


@pytest.mark.parametrize("step", [1, 1000])
def test_a_length_is_counted_and_what_follows_is_another_messages(step: int) -> None:
    body = Counted(3)
    assert (fed(body, b"abcGET", step), body.done) == (b"abc", True)
    assert body.rest == b"GET"
    none = Counted(0)
    assert (none.done, none.feed(b"GET"), none.rest) == (True, b"", b"GET")


def test_what_has_no_length_has_no_end_of_its_own() -> None:
    body = UntilEnd()
    assert (body.feed(b"abc"), body.done, body.rest) == (b"abc", False, b"")
