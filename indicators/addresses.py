"""IP addresses and networks: parse them, see through IPv4-in-IPv6, and know the special-purpose ranges.

Values only; which addresses are this machine's own, and what is done about a special one, is decided elsewhere.
Strict spellings are read here; `hosts.canonical_host` reads the loose ones (`0x7f.1`, `2130706433`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from indicators.observation import Address

type Network = IPv4Network | IPv6Network

_MAPPED = IPv6Network("::ffff:0:0/96")  # RFC 4291, 2.5.5.2
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052, the well-known prefix

SPECIAL_NETWORKS: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 "
        "192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 "
        "::/96 ::ffff:0:0/96 64:ff9b:1::/48 100::/64 100:0:0:1::/64 2001::/23 2001:db8::/32 2002::/16 3fff::/20 "
        "5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8"
    ).split()
)
"""Ranges that no public web destination has, disjoint, IPv4 first, ascending.

Source: the IANA special-purpose address registries (RFC 6890, RFC 9780) but for the blocks that are reachable as a
whole, with multicast, site-local and IPv4-compatible IPv6. The few anycast and overlay addresses inside 192.0.0.0/24
and 2001::/23 that IANA calls reachable serve protocols, not sites, and stay special.
"""


def parse_address(text: str) -> Address:
    """Read a dotted quad or an IPv6 address, brackets allowed; a zone (`%eth0`) is dropped.

    Loose IPv4 spellings are refused, because in a list they are more often counts or version numbers. Raises
    ValueError.
    """
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if ":" in bare:
        bare = bare.partition("%")[0]
    try:
        return ip_address(bare)
    except ValueError:
        raise ValueError(f"{text!r:.80} is not an IP address such as 192.0.2.1 or 2001:db8::1") from None


def parse_network(text: str) -> Network:
    """Read a network in CIDR or netmask form; a bare address is a network of one.

    A network inside the IPv4-mapped or NAT64 prefix becomes the IPv4 network it stands for, as `unmap` does for
    addresses. Raises ValueError, also when bits are set behind the prefix: `10.1.2.3/8` may mean two things.
    """
    if "/" not in text:
        return ip_network(unmap(parse_address(text)))
    try:
        return _unmap_network(ip_network(text))
    except ValueError:
        raise ValueError(_why_no_network(text)) from None


def _why_no_network(text: str) -> str:
    try:
        meant = ip_network(text, strict=False)
    except ValueError:
        return f"{text!r:.80} is not a network such as 192.0.2.0/24 or 2001:db8::/32"
    return f"{text!r:.80} has bits set behind its prefix: write {meant}, or the address alone"


def _unmap_network(network: Network) -> Network:
    if isinstance(network, IPv6Network) and network.prefixlen >= _MAPPED.prefixlen:
        address = unmap(network.network_address)
        if isinstance(address, IPv4Address):
            return IPv4Network((int(address), network.prefixlen - _MAPPED.prefixlen))
    return network


def unmap(address: Address) -> Address:
    """Return the IPv4 address that an IPv4-mapped or NAT64 (64:ff9b::/96) address reaches; others as they are.

    A 6to4 or Teredo address names a relay's IPv4 address, not the destination, so it stays; both ranges are special.
    """
    if isinstance(address, IPv6Address):
        number = int(address)
        if number >> 32 in _IPV4_INSIDE:
            return IPv4Address(number & 0xFFFFFFFF)
    return address


_IPV4_INSIDE = frozenset(int(network.network_address) >> 32 for network in (_MAPPED, _NAT64))


def _spans(version: int) -> tuple[list[int], list[int]]:
    nets = [net for net in SPECIAL_NETWORKS if net.version == version]
    return [int(net.network_address) for net in nets], [int(net.broadcast_address) for net in nets]


_SPANS = {4: _spans(4), 6: _spans(6)}


_PRIVATE_NAMES = (".localhost", ".local", ".internal", ".home.arpa", ".lan", ".test")


def is_special(address: Address) -> bool:
    """Say whether no public destination can have this address (private, loopback, multicast, documentation ...).

    Judged after `unmap`, so that `::ffff:127.0.0.1` is as special as what it reaches.
    """
    real = unmap(address)
    starts, ends = _SPANS[real.version]
    number = int(real)
    at = bisect_right(starts, number) - 1
    return at >= 0 and number <= ends[at]


def is_private_by_spelling(host: str) -> bool:
    """Say whether a configured host is private as it is written, so that whoever wrote it means private addresses.

    >>> [is_private_by_spelling(host) for host in ("127.0.0.1", "[::1]", "siem.corp.lan", "nas", "feeds.example")]
    [True, True, True, True, False]
    """
    plain = host.strip("[]").rstrip(".").lower()
    try:
        return is_special(parse_address(plain.partition("%")[0]))
    except ValueError:
        return "." not in plain or plain.endswith(_PRIVATE_NAMES)


def without_special(network: Network) -> tuple[Network, ...]:
    """Return the parts of a network that are not special-purpose: itself when it holds none, nothing when it is one."""
    if isinstance(network, IPv4Network):
        return tuple(_without(network, [net for net in SPECIAL_NETWORKS if isinstance(net, IPv4Network)]))
    return tuple(_without(network, [net for net in SPECIAL_NETWORKS if isinstance(net, IPv6Network)]))


def _without[N: (IPv4Network, IPv6Network)](network: N, holes: list[N]) -> list[N]:
    rest = [network]
    for hole in holes:
        rest = [part for whole in rest for part in _exclude(whole, hole)]
    return sorted(rest)


def _exclude[N: (IPv4Network, IPv6Network)](whole: N, hole: N) -> Iterator[N]:
    if whole.subnet_of(hole):
        return
    if hole.subnet_of(whole):
        yield from whole.address_exclude(hole)
    else:
        yield whole
