"""Only public addresses may be reached, and what is allowed by name of its network."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from addons.private_reach import PrivateReach

REACH = PrivateReach([ip_network("10.0.0.0/24"), ip_network("fd00::/64")])


@pytest.mark.parametrize(
    ("addresses", "may"),
    [
        ("1.1.1.1 2606:4700::1111", True),
        ("10.0.0.7", True),
        ("::ffff:10.0.0.7", True),
        ("fd00::7", True),
        ("10.0.1.7", False),
        ("1.1.1.1 192.168.0.1", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("224.0.0.1", False),
        ("::ffff:127.0.0.1", False),
        ("fd01::7", False),
        ("0.0.0.0", False),
        ("::", False),
        ("::1", False),
        ("::127.0.0.1", False),
        ("::ffff:0:127.0.0.1", False),
        ("64:ff9b::127.0.0.1", False),
        ("64:ff9b:1::7f00:1", False),
        ("64:ff9b::1.1.1.1", True),
        ("2002:7f00:1::", False),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", False),
        ("fec0::1", False),
        ("100.100.100.200", False),
        ("192.0.0.192", False),
        ("168.63.129.16", False),
        ("", True),
    ],
)
def test_the_table(addresses: str, may: bool) -> None:
    assert REACH.allows(map(ip_address, addresses.split())) is may
