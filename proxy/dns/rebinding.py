"""The rebinding guard: a public name may not lead a browser to this machine or into the private network.

An answer with such an address loses all its records. Exempt are names that mean something only here, names of
`dns.private_names`, routed names, and what a custom indicator allows. `dns.hosts` never comes this way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import ip_network

from indicators.addresses import unmap
from indicators.hosts import canonical_host, parents
from indicators.observation import Address
from proxy.dns import composed
from proxy.dns.answers import Body, ExtendedError
from proxy.dns.asked import Asked
from proxy.dns.codes import ExtendedError as Code
from proxy.dns.codes import Rcode

# Documentation and benchmark ranges are not here: nothing answers there. The unspecified address is what other
# resolvers give for names that they block.
_PRIVATE = tuple(
    ip_network(text)
    for text in (
        "10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.168.0.0/16 ::1/128 fc00::/7 fe80::/10 "
        "fec0::/10"
    ).split()
)
# RFC 6762 appendix G and section 3, RFC 8375, the reserved top-level domain `internal`.
_HERE_ONLY = frozenset("local lan home home.arpa internal intranet private corp localdomain".split())
_ERROR = ExtendedError(Code.FILTERED, "a private address for a public name: dns.private_answers is block")


class RebindingGuard:
    """Empty answers that lead public names to private addresses."""

    def __init__(self, exempt: Iterable[str], is_routed: Callable[[str], bool]) -> None:
        self._exempt = _HERE_ONLY | {canonical_host(name.removeprefix("*.")) for name in exempt}
        self._is_routed = is_routed

    def change(self, asked: Asked, body: Body) -> tuple[Body, ExtendedError] | None:
        """Return the emptied answer, or None for one that is well."""
        if not any(map(is_private, body.evidence.addresses)) or self._may(asked):
            return None
        return composed.negative(Rcode.NOERROR), _ERROR

    def _may(self, asked: Asked) -> bool:
        host = asked.query.host
        if asked.vouched or "." not in host or self._is_routed(host):
            return True
        return not self._exempt.isdisjoint(parents(host))


def is_private(address: Address) -> bool:
    """Say whether an address lies on this machine or in a private network, also seen through IPv4-in-IPv6."""
    plain = unmap(address)
    return any(plain in network for network in _PRIVATE)
