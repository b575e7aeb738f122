"""What comes through the tunnel is what was asked for, no address more or less."""

from __future__ import annotations

from ipaddress import IPv4Network, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.profiles.routes import Address, Network, Routes, allowed_ips

GATEWAY = (ip_address("10.87.0.1"), ip_address("fd87::1"))
OFFICE = [ip_network("10.20.0.0/16"), ip_network("2001:db8::/32")]


def within(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address.version == one.version and address in one for one in networks)


def test_all_is_all() -> None:
    assert list(map(str, allowed_ips(Routes.ALL, [], GATEWAY))) == ["0.0.0.0/0", "::/0"]


def test_corporate_is_what_is_named_and_the_gateway() -> None:
    found = allowed_ips(Routes.CORPORATE, OFFICE, GATEWAY)
    assert list(map(str, found)) == ["10.20.0.0/16", "10.87.0.1/32", "2001:db8::/32", "fd87::1/128"]


def test_corporate_without_networks_says_what_to_write() -> None:
    with pytest.raises(ValueError, match=r"wireguard\.corporate"):
        allowed_ips(Routes.CORPORATE, [], GATEWAY)


@pytest.mark.parametrize(
    ("address", "comes"),
    [
        ("1.1.1.1", True), ("9.255.255.255", True), ("11.0.0.0", True), ("172.15.0.1", True), ("223.255.255.255", True),
        ("10.0.0.1", False), ("172.16.0.1", False), ("192.168.1.1", False), ("169.254.169.254", False),
        ("127.0.0.1", False), ("224.0.0.1", False), ("255.255.255.255", False), ("100.64.0.1", False),
        ("10.87.0.1", True), ("10.87.0.2", False), ("2606:4700::1", True), ("64:ff9b::1", True), ("fd87::1", True),
        ("fd87::2", False), ("fe80::1", False), ("::1", False), ("ff02::1", False),
    ],
)  # fmt: skip
def test_public_is_everything_but_private_networks(address: str, comes: bool) -> None:
    assert within(ip_address(address), allowed_ips(Routes.PUBLIC, [], GATEWAY)) is comes


@given(st.ip_addresses(v=4))
def test_public_agrees_with_the_library(address: Address) -> None:
    """No private, link-local, loopback or multicast address comes, and every global one does."""
    comes = within(address, allowed_ips(Routes.PUBLIC, [], ()))
    if address.is_global and not address.is_multicast:
        assert comes
    if address.is_loopback or address.is_link_local or address.is_multicast or address in IPv4Network("10.0.0.0/8"):
        assert not comes


def test_no_network_overlaps_another() -> None:
    found = allowed_ips(Routes.PUBLIC, [], GATEWAY)
    for number, one in enumerate(found):
        assert not any(one.version == other.version and one.overlaps(other) for other in found[number + 1 :])
