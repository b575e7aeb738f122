from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.front.plain_http import is_request, is_usual


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"GET /", True),
        (b"\r\n\r\nGET / HTTP/1.1\r\n", True),
        (b"GET /old\r\n", True),  # HTTP/0.9: refused later, passed never
        (b"PROPFIND / HTTP/1.1\r\n", True),
        (b"M-SEARCH * HTTP/1.1\r\n", True),
        (b"FOO / HTTP/1.0\n", True),
        (b"OPTIONS * HTTP/1.1\r\n", True),
        (b"OPTIONS / odd\r\n", True),
        (b"OPTIONS sip:a@b.test SIP/2.0\r\n", False),
        (b"OPTIONS rtsp://b.test/x RTSP/1.0\r\nCSeq: 1\r\n", False),
        (b"OPTIONS rtsp://b.test/x RTSP/1.", None),
        (b"OPTIONS rtsp:" + b"x" * 8000, None),
        (b"OPTIONS rtsp:" + b"x" * 8192, True),  # a line without an end is not waited for
        (b"G", None),
        (b"OPTION", None),
        (b"EHLO mail.test\r\n", False),
        (b"SSH-2.0-x\r\n", False),
        (b"\r\n", False),  # somebody wakes a terminal
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", False),
        (b"\x00\x01", False),
        (b"", False),
    ],
)
def test_what_a_client_speaks(data: bytes, found: bool | None) -> None:
    assert is_request(data) is found


@given(st.binary(max_size=40))
def test_what_has_been_said_stays_so_with_more_bytes(more: bytes) -> None:
    """Invariant: a client that was told to speak HTTP speaks it, however its bytes were cut."""
    for start in (b"GET ", b"OPTIONS a HTTP/1.1\r\n", b"FOO / HTTP/1.1\r\n"):
        assert is_request(start + more) is True


@pytest.mark.parametrize(("start", "usual"), [(b"GET ", True), (b"\r\nOPTIONS ", True), (b"FOO ", False)])
def test_what_the_front_serves_itself(start: bytes, usual: bool) -> None:
    assert is_request(start + b"/ HTTP/1.1\r\n") is True
    assert is_usual(start + b"/ HTTP/1.1\r\n") is usual
