"""Names through which a device would leave this resolver: public DoH, DoT and ODoH servers, iCloud Private Relay.

With `dns.encrypted_dns: block` they do not exist, which is what their clients take for "not here" (Apple asks for
NXDOMAIN). A name that a custom indicator allows stays reachable. Resolvers known by address alone are no concern here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files

from indicators.hosts import parents
from indicators.observation import Device
from proxy.dns import composed
from proxy.dns.answers import ExtendedError
from proxy.dns.asked import Asked, Outcome
from proxy.dns.codes import ExtendedError as Code
from proxy.dns.codes import Rcode

_ERROR = ExtendedError(Code.FILTERED, "another resolver: dns.encrypted_dns is block")


@cache
def known() -> frozenset[str]:
    """Return the names of the data file; each covers its subdomains."""
    text = (files("proxy.dns") / "data" / "encrypted_dns.txt").read_text("utf-8")
    return frozenset(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))


class OtherResolvers:
    """Refuse the names of other resolvers, or do not, as the device's group has it.

    `groups` holds, for those that differ, whether they are blocked, and the resolvers that exist nevertheless.
    """

    def __init__(
        self,
        blocked: bool,
        group_of: Callable[[Device], str],
        groups: Mapping[str, tuple[bool, frozenset[str]]],
    ) -> None:
        self._everybody: tuple[bool, frozenset[str]] = (blocked, frozenset())
        self._group_of = group_of
        self._groups = groups

    @property
    def concern_anybody(self) -> bool:
        """Say whether there is a device for which names are refused."""
        return any(blocked for blocked, _ in (self._everybody, *self._groups.values()))

    def refuse(self, asked: Asked) -> Outcome | None:
        """Answer the name of another resolver with NXDOMAIN; a step of the resolver's chain."""
        names = frozenset(parents(asked.query.host))
        if asked.vouched or known().isdisjoint(names):
            return None
        blocked, allowed = self._of(asked.client.device)
        if not blocked or not names.isdisjoint(allowed):
            return None
        return Outcome(composed.negative(Rcode.NXDOMAIN), holds=composed.BLOCK_TTL, error=_ERROR)

    def _of(self, device: Device) -> tuple[bool, frozenset[str]]:
        return self._groups.get(self._group_of(device), self._everybody) if self._groups else self._everybody
