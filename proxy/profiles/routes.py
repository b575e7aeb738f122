"""Which traffic of a device comes through the tunnel, as the AllowedIPs of its configuration. Pure.

WireGuard has no key for what stays out, so that is subtracted. The gateway's addresses inside the tunnel are always in:
without them a device could not ask for names.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    collapse_addresses,
    ip_network,
)

type Network = IPv4Network | IPv6Network
type Address = IPv4Address | IPv6Address

_ALL = ("0.0.0.0/0", "::/0")
_PRIVATE = "10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.168.0.0/16 224.0.0.0/3".split()
# All that is routed on the IPv6 internet, and the prefix that stands for IPv4 there (RFC 4291, 2.4; RFC 6052): naming
# what is in takes two networks, cutting out what is not takes two hundred.
_GLOBAL_IPV6 = ("2000::/3", "64:ff9b::/96")


class Routes(StrEnum):
    """Say which traffic comes: everything, everything but private networks, or the networks of an organisation."""

    ALL = "all"
    PUBLIC = "public"
    CORPORATE = "corporate"


def allowed_ips(routes: Routes, corporate: Sequence[Network], gateway: Sequence[Address]) -> tuple[Network, ...]:
    """Return the networks in order, the fewest that say the same. Raises ValueError for corporate routes without any.

    >>> from ipaddress import ip_address
    >>> [str(one) for one in allowed_ips(Routes.CORPORATE, [ip_network("10.0.0.0/8")], [ip_address("10.87.0.1")])]
    ['10.0.0.0/8']
    """
    if routes is Routes.CORPORATE and not corporate:
        raise ValueError("routes: corporate needs the networks that are corporate; name them in wireguard.corporate")
    if routes is Routes.CORPORATE:
        wanted: Iterable[Network] = corporate
    elif routes is Routes.PUBLIC:
        wanted = [*_without(IPv4Network(_ALL[0]), map(IPv4Network, _PRIVATE)), *map(ip_network, _GLOBAL_IPV6)]
    else:
        wanted = map(ip_network, _ALL)
    return _fewest([*wanted, *(ip_network(address) for address in gateway)])


def _without(whole: IPv4Network, holes: Iterable[IPv4Network]) -> list[IPv4Network]:
    left = [whole]
    for hole in holes:
        left = [part for one in left for part in _cut(one, hole)]
    return left


def _cut(one: IPv4Network, hole: IPv4Network) -> list[IPv4Network]:
    if not hole.overlaps(one):
        return [one]
    return [] if one.subnet_of(hole) else list(one.address_exclude(hole))


def _fewest(networks: Sequence[Network]) -> tuple[Network, ...]:
    four = collapse_addresses(one for one in networks if isinstance(one, IPv4Network))
    six = collapse_addresses(one for one in networks if isinstance(one, IPv6Network))
    return (*four, *six)
