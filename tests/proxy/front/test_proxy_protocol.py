from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.front.greetings import GreetingError
from proxy.front.proxy_protocol import MAX_LENGTH, SIGNATURE, End, ProxyHeader, proxy_header, read_header


def _header(command: int, family: int, body: bytes) -> bytes:
    return SIGNATURE + struct.pack("!BBH", command, family, len(body)) + body


def _client(address: str, port: int, to: str, to_port: int) -> bytes:
    source, destination = ip_address(address).packed, ip_address(to).packed
    return source + destination + struct.pack("!HH", port, to_port)


V4 = _header(0x21, 0x11, _client("192.0.2.7", 40000, "203.0.113.9", 443))
V6 = _header(0x21, 0x21, _client("2001:db8::7", 40000, "2001:db8::9", 443))


@pytest.mark.parametrize(
    ("header", "source", "destination"),
    [
        (V4, End(IPv4Address("192.0.2.7"), 40000), End(IPv4Address("203.0.113.9"), 443)),
        (V6, End(IPv6Address("2001:db8::7"), 40000), End(IPv6Address("2001:db8::9"), 443)),
        (
            _header(0x21, 0x11, _client("192.0.2.7", 1, "203.0.113.9", 2) + b"\x04\x00\x02ab"),
            End(IPv4Address("192.0.2.7"), 1),
            End(IPv4Address("203.0.113.9"), 2),
        ),
        (
            _header(0x21, 0x21, _client("::ffff:192.0.2.7", 1, "2001:db8::9", 2)),
            End(IPv4Address("192.0.2.7"), 1),
            End(IPv6Address("2001:db8::9"), 2),
        ),
        (_header(0x20, 0x00, b""), None, None),
        (_header(0x20, 0x11, _client("192.0.2.7", 1, "203.0.113.9", 2)), None, None),
    ],
    ids=["v4", "v6", "with a TLV", "mapped", "health check", "health check with addresses"],
)
def test_a_header_is_read_whole_and_byte_by_byte(header: bytes, source: End | None, destination: End | None) -> None:
    found = read_header(header + b"\x16\x03\x01 the client's own bytes")
    assert found is not None
    assert (found.length, found.source, found.destination) == (len(header), source, destination)
    assert all(read_header(header[:end]) is None for end in range(len(header)))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"PROXY TCP4 192.0.2.7 203.0.113.9 1 2\r\n", "version 1 is not read"),
        (b"GET / HTTP/1.1\r\n", "sent no header"),
        (b"\x16\x03\x01", "sent no header"),
        (_header(0x31, 0x11, b""), "version and command 0x31"),
        (_header(0x22, 0x11, b""), "version and command 0x22"),
        (_header(0x21, 0x12, _client("192.0.2.7", 1, "203.0.113.9", 2)), "family 0x12"),
        (_header(0x21, 0x31, b"\0" * 216), "family 0x31"),
        (_header(0x21, 0x00, b""), "family 0x00"),
        (_header(0x21, 0x11, b"\0" * 11), "too short"),
        (_header(0x21, 0x21, b"\0" * 35), "too short"),
        (_header(0x21, 0x11, b"\0" * (MAX_LENGTH + 1))[:16], "longer than"),
    ],
)
def test_what_is_no_header_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(GreetingError, match=why) as caught:
        read_header(data)
    assert caught.value.reply == b"", "nothing can be answered before the client's own protocol is known"


@given(
    st.one_of(
        st.tuples(st.ip_addresses(v=4), st.ip_addresses(v=4)), st.tuples(st.ip_addresses(v=6), st.ip_addresses(v=6))
    ),
    st.integers(0, 65535),
    st.binary(max_size=64),
    st.binary(max_size=64),
)
def test_the_address_and_the_clients_bytes_come_out_as_they_went_in(
    ends: tuple[IPv4Address | IPv6Address, IPv4Address | IPv6Address], port: int, tlvs: bytes, rest: bytes
) -> None:
    """The header's length is where the client's own bytes begin, and its source is the client."""
    family = 0x11 if ends[0].version == 4 else 0x21
    data = _header(0x21, family, _client(str(ends[0]), port, str(ends[1]), 443) + tlvs) + rest
    header = read_header(data)
    assert header is not None
    assert header.source is not None
    mapped = getattr(ends[0], "ipv4_mapped", None)
    assert header.source == End(mapped or ends[0], port)
    assert data[header.length :] == rest


@given(st.binary(max_size=80))
def test_any_bytes_are_a_header_or_wait_or_are_refused(tail: bytes) -> None:
    """No bytes raise anything but GreetingError, and a header is never longer than what was given."""
    for data in (tail, SIGNATURE + tail):
        try:
            header = read_header(data)
        except GreetingError:
            continue
        assert header is None or header.length <= len(data)


@pytest.mark.parametrize(
    ("address", "trusted"),
    [
        ("10.0.0.5", True),
        ("10.0.0.6", False),
        ("::ffff:10.0.0.5", True),
        ("fe80::1%eth0", True),
        ("fe80::2", False),
        ("", False),
        ("unix", False),
    ],
)
def test_only_configured_proxies_are_trusted(address: str, trusted: bool) -> None:
    header = ProxyHeader([ip_network("10.0.0.5"), ip_network("fe80::1")])
    assert header.trusts(address) is trusted


def test_a_listener_reads_address_and_length() -> None:
    header = proxy_header([ip_network("10.0.0.5")])
    assert header is not None
    assert header.read(V4 + b"rest") == ("192.0.2.7", len(V4))
    assert header.read(_header(0x20, 0x00, b"")) == ("", 16)
    assert header.read(V4[:20]) is None
    assert proxy_header([]) is None
