"""Which upstreams are asked for which names: `dns.routes` by the longest suffix, `dns.upstreams` for all others.

Also keeps private reverse zones local: their names mean nothing to an upstream outside (RFC 6303), unless routed.
"""

from __future__ import annotations

from collections.abc import Mapping

from indicators.hosts import canonical_host, parents
from proxy.dns import composed
from proxy.dns.asked import Asked, Outcome
from proxy.dns.codes import Rcode
from proxy.dns.forwarder import Forwarder

_PRIVATE_REVERSE = frozenset(
    (
        *"0.in-addr.arpa 10.in-addr.arpa 127.in-addr.arpa 254.169.in-addr.arpa 168.192.in-addr.arpa".split(),
        *(f"{second}.172.in-addr.arpa" for second in range(16, 32)),
        *(f"{second}.100.in-addr.arpa" for second in range(64, 128)),
        *"2.0.192.in-addr.arpa 100.51.198.in-addr.arpa 113.0.203.in-addr.arpa 255.255.255.255.in-addr.arpa".split(),
        *(f"{nibbles}.ip6.arpa" for nibbles in ("d.f", "c.f", "8.e.f", "9.e.f", "a.e.f", "b.e.f", "8.b.d.0.1.0.0.2")),
        "0." * 32 + "ip6.arpa",
        "1." + "0." * 31 + "ip6.arpa",
    )
)


class Routes:
    """Give the forwarder for a name."""

    def __init__(self, default: Forwarder, by_suffix: Mapping[str, Forwarder] | None = None) -> None:
        self._default = default
        self._by_suffix = {_suffix(name): forwarder for name, forwarder in (by_suffix or {}).items()}

    def of(self, host: str) -> Forwarder:
        """Return the forwarder of the longest suffix that covers a host."""
        if self._by_suffix:
            for name in parents(host):
                found = self._by_suffix.get(name)
                if found is not None:
                    return found
        return self._default

    def covers(self, host: str) -> bool:
        """Say whether a host has a route of its own."""
        return self.of(host) is not self._default

    def keep_reverse_local(self, asked: Asked) -> Outcome | None:
        """Answer the reverse names of private addresses, unless they are routed."""
        host = asked.query.host
        if not host.endswith(".arpa") or _PRIVATE_REVERSE.isdisjoint(parents(host)) or self.covers(host):
            return None
        return Outcome(composed.negative(Rcode.NXDOMAIN), holds=composed.BLOCK_TTL)

    async def close(self) -> None:
        """Close every forwarder."""
        for forwarder in (self._default, *self._by_suffix.values()):
            await forwarder.close()


def _suffix(name: str) -> str:
    try:
        return canonical_host(name.removeprefix("*."))
    except ValueError as problem:
        raise ValueError(f"dns.routes: {name!r} is not a domain: {problem}") from None
