"""Which private destinations a client from beyond this machine may reach: those that the configuration names.

Loopback, link-local (with the clouds' metadata addresses), private and every other network that is not the internet's,
however an IPv4 address is written inside IPv6: a proxy that others can reach must not be their way into them.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network

from indicators.addresses import is_special, unmap
from indicators.observation import Address

_WIRE_SERVER = IPv4Network("168.63.129.16/32")  # Azure's host, at an address that looks like the internet's
_TRANSLATED = IPv6Network("::ffff:0:0:0/96")  # IPv4 for a translator on the way (RFC 7915), whatever it leads to


class PrivateReach:
    """Know the networks that are allowed."""

    def __init__(self, allowed: Iterable[IPv4Network | IPv6Network]) -> None:
        self._allowed = tuple(allowed)

    def allows(self, addresses: Iterable[Address]) -> bool:
        """Say whether all addresses may be reached; IPv4 inside IPv6 is seen through."""
        return all(self._is_allowed(unmap(address)) for address in addresses)

    def _is_allowed(self, address: Address) -> bool:
        if not is_special(address) and address not in _WIRE_SERVER and address not in _TRANSLATED:
            return True
        return any(address in network for network in self._allowed)
