from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.http_heads import MAX_HEAD
from proxy.front.greetings import (
    BAD_REQUEST,
    FAILED,
    NO_SUCH_ADDRESS,
    NO_SUCH_COMMAND,
    PASSWORD_REFUSED,
    SOCKS4_REFUSED,
    Asked,
    GreetingError,
    basic_credentials,
    connect_target,
    is_for_us,
    read_request,
    read_socks4,
    read_socks_methods,
    read_socks_password,
    read_socks_request,
    to_us,
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
    request = read_request(head)
    assert (connect_target(request) if request else None) == asked


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
        connect_target(read_request(head) or pytest.fail("the head is whole"))
    assert caught.value.reply == BAD_REQUEST


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("Basic dTpw", ("u", "p")),
        ("basic dTpwOng=", ("u", "p:x")),
        ("Basic dQ==", None),
        ("Basic \xff", None),
        ("Bearer dTpw", None),
        ("", None),
    ],
)
def test_basic_credentials(header: str, found: tuple[str, str] | None) -> None:
    assert basic_credentials(header) == found


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", None),
        (b"\x05", None),
        (b"\x05\x02\x02", None),
        (b"\x05\x02\x02\x00x", (4, frozenset((0, 2)))),
        (b"\x05\x00", (2, frozenset())),
    ],
)
def test_the_methods_of_a_selection(data: bytes, found: tuple[int, frozenset[int]] | None) -> None:
    assert read_socks_methods(data) == found


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", None),
        (b"\x01\x02us", None),
        (b"\x01\x02us\x02p", None),
        (b"\x01\x02us\x02pwrest", ("us", "pw", 7)),
        (b"\x01\x00\x00", ("", "", 3)),
    ],
)
def test_user_and_password(data: bytes, found: tuple[str, str, int] | None) -> None:
    assert read_socks_password(data) == found


@pytest.mark.parametrize(
    ("data", "asked"),
    [
        (b"\x04\x01\x00\x50\x01\x02", None),
        (b"\x04\x01\x00\x50\x01\x02\x03\x04user", None),
        (b"\x04\x01\x00\x50\x01\x02\x03\x04user\0rest", Asked("1.2.3.4", 80, b"rest")),
        (b"\x04\x01\x01\xbb\x00\x00\x00\x01\0a.te", None),
        (b"\x04\x01\x01\xbb\x00\x00\x00\x01\0a.test\0x", Asked("a.test", 443, b"x")),
        (b"\x04\x01\x01\xbb\x00\x00\x00\x00\0", Asked("0.0.0.0", 443, b"")),
    ],
)
def test_where_a_socks4_request_wants_to_go(data: bytes, asked: Asked | None) -> None:
    assert read_socks4(data) == asked


@pytest.mark.parametrize(
    ("read", "data", "reply"),
    [
        (read_socks_methods, b"\x06", b""),
        (read_socks_password, b"\x05", PASSWORD_REFUSED),
        (read_socks4, b"\x04\x02\x00\x50\x01\x02\x03\x04\0", SOCKS4_REFUSED),
        (read_socks4, b"\x04\x01\x00\x50\x00\x00\x00\x01\0caf\xe9\0", SOCKS4_REFUSED),
        (read_socks4, b"\x04\x01" + bytes(700), SOCKS4_REFUSED),
    ],
)
def test_greetings_that_cannot_be_served(read: Callable[[bytes], object], data: bytes, reply: bytes) -> None:
    with pytest.raises(GreetingError) as caught:
        read(data)
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
    for read, first in (
        (read_request, b"CONNECT "),
        (read_socks_methods, b"\x05"),
        (read_socks_request, b"\x05"),
        (read_socks_password, b"\x01"),
        (read_socks4, b"\x04"),
    ):
        try:
            read(first + data + (b"\r\n\r\n" if read is read_request else b""))
        except GreetingError:
            continue


@pytest.mark.parametrize(
    ("head", "ours"),
    [
        (b"GET /proxy.pac HTTP/1.1\r\nHost: 10.0.2.2:8080\r\n\r\n", True),
        (b"HEAD / HTTP/1.0\r\n\r\n", True),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", False),
        (b"GET http://good.test/ HTTP/1.1\r\nHost: good.test\r\n\r\n", False),
        (b"CONNECT good.test:443 HTTP/1.1\r\nHost: good.test\r\n\r\n", False),
    ],
)
def test_which_requests_are_for_the_proxy_itself(head: bytes, ours: bool) -> None:
    request = read_request(head)
    assert request is not None and is_for_us(request) is ours


def test_a_request_for_us_names_us_and_keeps_where_it_was_asked() -> None:
    rewritten = to_us(b"\r\nGET /proxy.pac HTTP/1.1\r\nHost: 10.0.2.2:8080\r\n\r\n")
    request = read_request(rewritten)
    assert request is not None
    assert (request.target, request.headers["host"]) == ("http://seawall.internal/proxy.pac", "10.0.2.2:8080")
    assert request.headers["connection"] == "close"


@pytest.mark.parametrize("kept", [True, False])
def test_a_request_for_a_tunnel_is_read_once_but_a_password_is_not_kept(kept: bool) -> None:
    secret = b"" if kept else b"Proxy-AUTHORIZATION: Basic cGhvbmU6c2VjcmV0\r\n"
    data = b"CONNECT once-%d.test:443 HTTP/1.1\r\nHost: a\r\n%s\r\n" % (kept, secret)
    first, second = read_request(data), read_request(data)
    assert first == second
    assert (first is second) is kept
