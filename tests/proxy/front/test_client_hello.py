from __future__ import annotations

import ssl
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mitmproxy.proxy.layers.tls import parse_client_hello

from proxy.front.client_hello import ClientHello, NotTlsError, looks_like_tls, read_client_hello


def real_hello(
    name: str | None = "www.example.com", alpn: tuple[str, ...] = ("h2", "http/1.1"), top: int = 0x0304
) -> bytes:
    """Have OpenSSL write a ClientHello."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion(top)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    out = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name).do_handshake()
    return out.read()


def hand_made(extensions: bytes | None, version: int = 0x0303) -> bytes:
    """Write a ClientHello by hand, for what no library sends."""
    body = struct.pack("!H", version) + bytes(32) + b"\0" + b"\0\2\x13\x01" + b"\1\0"
    body += b"" if extensions is None else struct.pack("!H", len(extensions)) + extensions
    message = b"\1" + len(body).to_bytes(3) + body
    return b"\x16\3\1" + struct.pack("!H", len(message)) + message


def extension(kind: int, data: bytes) -> bytes:
    return struct.pack("!HH", kind, len(data)) + data


def sni(name: bytes, kind: int = 0) -> bytes:
    entry = bytes([kind]) + struct.pack("!H", len(name)) + name
    return extension(0, struct.pack("!H", len(entry)) + entry)


@pytest.mark.parametrize(
    ("hello", "expected"),
    [
        (real_hello(), ClientHello("www.example.com", (b"h2", b"http/1.1"), (0x0304, 0x0303))),
        (real_hello("UPPER.Example.COM", ()), ClientHello("upper.example.com", (), (0x0304, 0x0303))),
        (real_hello(None, (), 0x0303), ClientHello("", (), (0x0303,))),
        (hand_made(None, 0x0301), ClientHello(versions=(0x0301,))),
        (hand_made(b""), ClientHello(versions=(0x0303,))),
        (hand_made(sni(b"a.example") + extension(0xFE0D, b"x")), ClientHello("a.example", (), (0x0303,), has_ech=True)),
        (hand_made(sni(b"odd", kind=7)), ClientHello(versions=(0x0303,))),
        (hand_made(sni(b"caf\xc3\xa9.example")), ClientHello(versions=(0x0303,))),
        (hand_made(extension(0, b"")), ClientHello(versions=(0x0303,))),
        (hand_made(sni(b"first.example") + sni(b"second.example")), ClientHello("first.example", (), (0x0303,))),
    ],
)
def test_what_a_client_offers(hello: bytes, expected: ClientHello) -> None:
    found = read_client_hello(hello)
    assert found is not None
    assert (found.server_name, found.alpn, found.has_ech) == (expected.server_name, expected.alpn, expected.has_ech)
    assert found.versions[: len(expected.versions)] == expected.versions


def test_every_beginning_of_a_hello_asks_for_more() -> None:
    hello = real_hello()
    assert [read_client_hello(hello[:end]) for end in range(len(hello))] == [None] * len(hello)
    assert read_client_hello(hello + b"rest") == read_client_hello(hello)


@given(st.integers(1, 200))
def test_records_may_split_the_message_anywhere(size: int) -> None:
    """Whatever the size of the records, the same ClientHello is read."""
    hello = real_hello()
    message = hello[5:]
    parts = [message[at : at + size] for at in range(0, len(message), size)]
    split = b"".join(b"\x16\3\1" + struct.pack("!H", len(part)) + part for part in parts)
    assert read_client_hello(split) == read_client_hello(hello)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"GET / HTTP/1.1\r\n", "not a TLS handshake record"),
        (b"\x16\3\1\0\0", "no handshake stands inside"),
        (b"\x16\3\1\xff\xff", "no handshake stands inside"),
        (b"\x16\3\1\0\4\2\0\0\0", "no ClientHello"),
        (b"\x16\3\1\0\4\1\1\0\0", "longer than"),
        (b"\x16\3\1\0\2\1\0" + b"\x17\3\3\0\1x", "no handshake stands inside"),
        (hand_made(b"\0\0\xff\xff"), "past its end"),
        (hand_made(extension(16, b"\0\5\2h2")), "past its end"),
        (hand_made(extension(16, b"\0\0\2h2")), "ends before its extension"),
        (hand_made(b"\0\0"), "past its end"),
        (b"\x16\3\1\0\5\1\0\0\1x", "past its end"),
    ],
)
def test_what_cannot_become_a_hello_is_said(data: bytes, why: str) -> None:
    with pytest.raises(NotTlsError, match=why):
        read_client_hello(data)


def test_a_hello_in_endless_crumbs_ends() -> None:
    crumbs = b"\x16\3\1\0\1\1" + b"\x16\3\1\0\1\0" * 3  # a message of length 0 is whole at once
    with pytest.raises(NotTlsError):
        read_client_hello(crumbs)
    with pytest.raises(NotTlsError, match="no whole ClientHello"):
        read_client_hello(b"\x16\3\1\0\4\1\0\xff\xf0" + b"\x16\3\1\0\1x" * 11000)


@given(st.binary(max_size=300) | st.binary(max_size=200).map(lambda tail: b"\x16\3\1" + tail))
def test_any_bytes_give_a_value_or_the_one_error(data: bytes) -> None:
    """No input raises anything but NotTlsError."""
    try:
        found = read_client_hello(data)
    except NotTlsError:
        return
    assert found is None or isinstance(found, ClientHello)


@given(st.data())
def test_agrees_with_the_parser_of_mitmproxy(data: st.DataObject) -> None:
    """Where both read a damaged hello, they read the same name and protocols."""
    hello = bytearray(real_hello())
    for _ in range(data.draw(st.integers(0, 3))):
        hello[data.draw(st.integers(5, len(hello) - 1))] = data.draw(st.integers(0, 255))
    try:
        ours = read_client_hello(bytes(hello))
        theirs = parse_client_hello(bytes(hello))
    except ValueError:
        return
    if ours is None or theirs is None:
        return
    assert ours.alpn == tuple(theirs.alpn_protocols)
    if theirs.sni:  # it refuses more names than we do
        assert ours.server_name == theirs.sni.lower()


@pytest.mark.parametrize(("data", "likely"), [(b"", True), (b"\x16", True), (b"\x16\3\5", False), (b"SSH-", False)])
def test_the_first_three_bytes_tell_tls_from_the_rest(data: bytes, likely: bool) -> None:
    assert looks_like_tls(data) is likely
