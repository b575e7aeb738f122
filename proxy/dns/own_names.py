"""The names that never leave this machine: reserved ones, and the fixed addresses of `dns.hosts`.

Reserved are the gateway's own names, the canaries by which browsers ask whether they may use another resolver, and the
names of RFC 6761, RFC 7686 and RFC 9462 that mean nothing outside.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from addons.own_hosts import GATEWAY, leads_to_us
from indicators.hosts import canonical_host
from indicators.observation import Address
from proxy.dns import composed
from proxy.dns.answers import Body
from proxy.dns.asked import Asked, Outcome
from proxy.dns.codes import Rcode, Type

_LOOPBACK: tuple[Address, ...] = (IPv4Address("127.0.0.1"), IPv6Address("::1"))
_NXDOMAIN = (GATEWAY, "use-application-dns.net", "invalid", "onion")
_NODATA = ("resolver.arpa",)
_TOPS = frozenset(name.rpartition(".")[2] for name in (*_NXDOMAIN, *_NODATA, "localhost"))


def _covers(parent: str, host: str) -> bool:
    return host == parent or host.endswith("." + parent)


def is_reserved(host: str) -> bool:
    """Say whether `reserved` answers for a name."""
    if host.rpartition(".")[2] not in _TOPS:
        return False
    return any(_covers(name, host) for name in ("localhost", *_NXDOMAIN, *_NODATA))


def reserved(asked: Asked) -> Outcome | None:
    """Answer a reserved name."""
    host, qtype = asked.query.host, asked.query.qtype
    if host.rpartition(".")[2] not in _TOPS:
        return None
    if leads_to_us(host):
        return Outcome(composed.addresses(qtype, asked.client.page), holds=composed.BLOCK_TTL)
    if _covers("localhost", host):
        return Outcome(composed.addresses(qtype, _LOOPBACK), holds=composed.BLOCK_TTL)
    if any(_covers(name, host) for name in _NXDOMAIN):
        return Outcome(composed.negative(Rcode.NXDOMAIN), holds=composed.BLOCK_TTL)
    if any(_covers(name, host) for name in _NODATA):
        return Outcome(composed.negative(Rcode.NOERROR), holds=composed.BLOCK_TTL)
    return None


class StaticHosts:
    """Answer the names of `dns.hosts`, and the reverse names of their addresses.

    A fixed name has no records but its addresses: other types get NODATA. Raises ValueError for what is no name.
    """

    def __init__(self, hosts: Mapping[str, Any]) -> None:
        self.addresses: dict[str, tuple[Address, ...]] = {}
        self._names: dict[str, tuple[str, ...]] = {}
        for name, found in hosts.items():
            try:
                host = canonical_host(name)
            except ValueError as problem:
                raise ValueError(f"dns.hosts: {name!r} is not a host name: {problem}") from None
            listed = found if isinstance(found, list | tuple) else (found,)
            self._add(host, tuple(ip_address(str(address)) for address in listed))

    def _add(self, host: str, addresses: tuple[Address, ...]) -> None:
        self.addresses[host] = addresses
        for address in addresses:
            reverse = address.reverse_pointer
            self._names[reverse] = (*self._names.get(reverse, ()), host)

    def body(self, asked: Asked) -> Body | None:
        """Return the answer to a fixed name; None for any other."""
        host, qtype = asked.query.host, asked.query.qtype
        found = self.addresses.get(host)
        if found is not None:
            return composed.addresses(qtype, found)
        names = self._names.get(host) if qtype == Type.PTR else None
        return composed.pointers(names) if names else None
