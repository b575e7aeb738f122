from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indicators.addresses import SPECIAL_NETWORKS, is_special, parse_address, parse_network, unmap, without_special


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25eth0]", "fe80::1"),
        ("::ffff:1.2.3.4", "::ffff:1.2.3.4"),
    ],
)
def test_addresses_are_read(text: str, expected: str) -> None:
    assert parse_address(text) == ip_address(expected)


@pytest.mark.parametrize(
    "text",
    ["", "1.2.3", "0x7f.1", "2130706433", "01.2.3.4", "1.2.3.4 ", "1.2.3.4%eth0", "[::1", "::1]", "a", "1.7.0.2.3"],
)
def test_loose_spellings_are_no_addresses(text: str) -> None:
    with pytest.raises(ValueError, match="is not an IP address"):
        parse_address(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.0/24", "192.0.2.0/24"),
        ("192.0.2.0/255.255.255.0", "192.0.2.0/24"),
        ("192.0.2.1", "192.0.2.1/32"),
        ("2001:DB8::/32", "2001:db8::/32"),
        ("2001:db8::1", "2001:db8::1/128"),
        ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
        ("64:ff9b::192.0.2.1", "192.0.2.1/32"),
        ("64:ff9b::/96", "0.0.0.0/0"),
        ("64:ff9b::/64", "64:ff9b::/64"),
        ("2001:db8::/112", "2001:db8::/112"),
    ],
)
def test_networks_are_read(text: str, expected: str) -> None:
    assert parse_network(text) == ip_network(expected)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("10.1.2.3/8", "write 10.0.0.0/8"),
        ("2001:db8::1/32", "write 2001:db8::/32"),
        ("10.0.0.0/33", "is not a network"),
        ("10.0.0.0/", "is not a network"),
        ("/8", "is not a network"),
        ("evil.com/8", "is not a network"),
        ("evil.com", "is not an IP address"),
    ],
)
def test_what_is_no_network_is_refused_with_a_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_network(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("::ffff:127.0.0.1", "127.0.0.1"),
        ("64:ff9b::192.0.2.33", "192.0.2.33"),
        ("64:ff9b:1::192.0.2.33", "64:ff9b:1::c000:221"),
        ("2002:7f00:1::", "2002:7f00:1::"),
        ("::7f00:1", "::7f00:1"),
        ("::1", "::1"),
        ("192.0.2.1", "192.0.2.1"),
    ],
)
def test_ipv4_inside_ipv6(text: str, expected: str) -> None:
    assert unmap(ip_address(text)) == ip_address(expected)


SPECIAL = """
    0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 127.0.0.1 169.254.169.254 172.31.255.255 192.0.0.8 192.0.2.1 192.168.1.1
    198.19.255.255 198.51.100.7 203.0.113.9 224.0.0.251 255.255.255.255 :: ::1 ::ffff:10.0.0.1 ::ffff:127.0.0.1
    64:ff9b::10.0.0.1 64:ff9b:1::1 100::1 2001::1 2001:db8::1 2002:808:808::1 3fff::1 5f00::1 fd00::1 fe80::1 fec0::1
    ff02::1 ::127.0.0.1
""".split()
PUBLIC = """
    1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 172.15.255.255
    172.32.0.0 192.0.1.255 192.0.3.0 198.17.255.255 198.20.0.0 223.255.255.255 2001:200::1 2001:4860:4860::8888
    2606:4700::1 2a00::1 ::ffff:8.8.8.8 64:ff9b::8.8.8.8
""".split()


@pytest.mark.parametrize("text", SPECIAL)
def test_special_addresses(text: str) -> None:
    assert is_special(ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses(text: str) -> None:
    assert not is_special(ip_address(text))


def test_special_networks_are_disjoint_and_ascending() -> None:
    for kind in (IPv4Network, IPv6Network):
        nets = [net for net in SPECIAL_NETWORKS if isinstance(net, kind)]
        assert len(nets) > 10
        assert all(one.broadcast_address < two.network_address for one, two in pairwise(nets))


@given(st.ip_addresses() | st.sampled_from(SPECIAL_NETWORKS).flatmap(lambda net: st.ip_addresses(network=net)))
def test_special_is_what_the_networks_hold(address: object) -> None:
    """Invariant: an address is special exactly when one of the networks holds what it reaches."""
    real = unmap(address)
    assert is_special(address) is any(real in net for net in SPECIAL_NETWORKS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8.8.8.0/24", "8.8.8.0/24"),
        ("10.1.0.0/16", ""),
        ("192.168.0.0/16", ""),
        ("126.0.0.0/7", "126.0.0.0/8"),
        ("172.0.0.0/10", "172.0.0.0/12 172.32.0.0/11"),
        ("2001::/22", "2001:200::/23"),
        ("2a00::/12", "2a00::/12"),
    ],
)
def test_special_parts_are_cut_out(text: str, expected: str) -> None:
    assert [str(net) for net in without_special(ip_network(text))] == expected.split()


@given(st.ip_addresses(v=4), st.integers(0, 32), st.ip_addresses(v=4))
def test_cutting_loses_no_public_address(base: object, prefix: int, address: object) -> None:
    """Invariant: an address is in the parts exactly when it is in the network and not special."""
    network = IPv4Network((int(base), prefix), strict=False)
    kept = any(address in part for part in without_special(network))
    assert kept is (address in network and not is_special(address))
