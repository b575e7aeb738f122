"""Who asks, told by proxies that are trusted and by nobody else."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from collector.web.forwarded import LOOPBACK, client_of, line_of

FARM = (ip_network("10.0.0.0/24"), ip_network("2001:db8:ffff::/64"))


@pytest.mark.parametrize(
    ("peer", "lines", "found"),
    [
        ("10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["203.0.113.9, 198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["203.0.113.9,198.51.100.7, 10.0.0.2 ,10.0.0.3"], "198.51.100.7"),
        ("10.0.0.1", ["203.0.113.9", "198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["10.0.0.9, 10.0.0.2"], "10.0.0.9"),
        ("10.0.0.1", ["198.51.100.7:50123"], "198.51.100.7"),
        ("10.0.0.1", ["[2001:db8::7]:50123"], "2001:db8::7"),
        ("10.0.0.1", ["::ffff:198.51.100.7"], "198.51.100.7"),
        ("2001:db8:ffff::1", ["2001:db8::7"], "2001:db8::7"),
        ("fe80::1%eth0", ["198.51.100.7"], "fe80::1"),
        ("10.0.0.1", ["198.51.100.7, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.7, "], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.7, 10.0.0.2" + ", 10.0.0.3" * 40], "10.0.0.3"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("::ffff:10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("192.0.2.5", ["198.51.100.7"], "192.0.2.5"),
        ("127.0.0.1", ["198.51.100.7"], "127.0.0.1"),
        ("", ["198.51.100.7"], ""),
    ],
)
def test_the_right_most_address_that_no_proxy_of_ours_has(peer: str, lines: list[str], found: str) -> None:
    assert client_of(peer, lines, FARM) == found


def test_loopback_is_loopback() -> None:
    for peer in ("127.0.0.1", "127.8.0.1", "::1", "::ffff:127.0.0.1"):
        assert client_of(peer, ["198.51.100.7"], LOOPBACK) == "198.51.100.7"


@pytest.mark.parametrize(
    ("address", "line"),
    [("198.51.100.7", "198.51.100.7"), ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"), ("", "")],
)
def test_an_ipv6_line_has_a_network(address: str, line: str) -> None:
    assert line_of(address) == line
