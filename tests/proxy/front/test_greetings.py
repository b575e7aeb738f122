from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.front.greetings import (
    BAD_REQUEST,
    FAILED,
    MAX_HEAD,
    NO_METHOD,
    NO_SUCH_ADDRESS,
    NO_SUCH_COMMAND,
    Asked,
    GreetingError,
    may_be_connect,
    read_connect,
    read_socks_methods,
    read_socks_request,
)


@pytest.mark.parametrize(
    ("head", "asked"),
    [
        (b"CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n", Asked("a.test", 443, b"")),
        (b"CONNECT a.test:443 HTTP/1.0\r\n\r\n\x16\x03", Asked("a.test", 443, b"\x16\x03")),
        (b"CONNECT [2001:db8::1]:22 HTTP/1.1\r\nHost: x\r\n\r\n", Asked("2001:db8::1", 22, b"")),
        (b"CONNECT a.test:443 HTTP/1.1\r\nHost: a", None),
        (b"CONN", None),
    ],
)
def test_where_a_connect_wants_to_go(head: bytes, asked: Asked | None) -> None:
    assert read_connect(head) == asked


@pytest.mark.parametrize(
    "head",
    [
        b"CONNECT a.test HTTP/1.1\r\n\r\n",
        b"CONNECT a.test:0 HTTP/1.1\r\n\r\n",
        b"CONNECT a.test:65536 HTTP/1.1\r\n\r\n",
        b"CONNECT a.test:443 HTTP/1.1\r\nHost : x\r\n\r\n",
        b"CONNECT \x01:443 HTTP/1.1\r\n\r\n",
        b"CONNECT " + b"a" * MAX_HEAD,
    ],
)
def test_a_bad_connect_is_answered_400(head: bytes) -> None:
    with pytest.raises(GreetingError) as caught:
        read_connect(head)
    assert caught.value.reply == BAD_REQUEST


@pytest.mark.parametrize(("data", "may"), [(b"", True), (b"CON", True), (b"CONNECT x", True), (b"GET /", False)])
def test_other_methods_show_at_their_first_letters(data: bytes, may: bool) -> None:
    assert may_be_connect(data) is may


@pytest.mark.parametrize(("data", "length"), [(b"", 0), (b"\x05", 0), (b"\x05\x02\x02", 0), (b"\x05\x02\x02\x00x", 4)])
def test_the_length_of_a_method_selection(data: bytes, length: int) -> None:
    assert read_socks_methods(data) == length


@pytest.mark.parametrize(("data", "reply"), [(b"\x04", b""), (b"\x05\x01\x02", NO_METHOD), (b"\x05\x00", b"")])
def test_methods_that_cannot_be_served(data: bytes, reply: bytes) -> None:
    if data == b"\x05\x00":  # a client that offers nothing is refused as one that offers nothing we serve
        reply = NO_METHOD
    with pytest.raises(GreetingError) as caught:
        read_socks_methods(data)
    assert caught.value.reply == reply


@pytest.mark.parametrize(
    ("data", "asked"),
    [
        (b"\x05\x01\x00\x01\x7f\x00\x00\x01\x01\xbb", Asked("127.0.0.1", 443, b"")),
        (b"\x05\x01\x00\x03\x06a.test\x01\xbbrest", Asked("a.test", 443, b"rest")),
        (b"\x05\x01\x00\x04" + bytes(15) + b"\x01\x00\x16", Asked("::1", 22, b"")),
        (b"\x05\x01\x00\x03\x06a.te", None),
        (b"\x05\x01", None),
    ],
)
def test_where_a_socks_request_wants_to_go(data: bytes, asked: Asked | None) -> None:
    assert read_socks_request(data) == asked


@pytest.mark.parametrize(
    ("data", "reply"),
    [
        (b"\x04\x01\x00\x01\x00", b""),
        (b"\x05\x02\x00\x01\x00", NO_SUCH_COMMAND),
        (b"\x05\x01\x00\x09\x00", NO_SUCH_ADDRESS),
        (b"\x05\x01\x00\x03\x01\xff\x00\x50", FAILED),
    ],
)
def test_a_request_that_cannot_be_served_is_answered_with_its_code(data: bytes, reply: bytes) -> None:
    with pytest.raises(GreetingError) as caught:
        read_socks_request(data)
    assert caught.value.reply == reply


@given(st.binary(max_size=300))
def test_any_bytes_give_a_value_or_the_one_error(data: bytes) -> None:
    """No input raises anything but GreetingError."""
    for read in (read_connect, read_socks_methods, read_socks_request):
        try:
            read(b"CONNECT " + data + b"\r\n\r\n" if read is read_connect else b"\x05" + data)
        except GreetingError:
            continue
