"""Names through which a device would leave this resolver: public DoH, DoT and ODoH servers, iCloud Private Relay.

With `dns.encrypted_dns: block` they do not exist, which is what their clients take for "not here" (Apple asks for
NXDOMAIN). A name that a custom indicator allows stays reachable. Resolvers known by address alone are no concern here.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from indicators.hosts import parents
from indicators.observation import Device
from proxy.dns import composed
from proxy.dns.answers import ExtendedError
from proxy.dns.asked import Asked, Outcome
from proxy.dns.codes import ExtendedError as Code
from proxy.dns.codes import Rcode
from proxy.groups_in_force import Groups

_ERROR = ExtendedError(Code.FILTERED, "another resolver: dns.encrypted_dns is block")


@cache
def known() -> frozenset[str]:
    """Return the names of the data file; each covers its subdomains."""
    text = (files("proxy.dns") / "data" / "encrypted_dns.txt").read_text("utf-8")
    return frozenset(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))


class OtherResolvers:
    """Refuse the names of other resolvers, or do not, as the device's group has it; `blocked` is for all others."""

    def __init__(self, blocked: bool, groups: Groups) -> None:
        self._everybody: tuple[bool, frozenset[str]] = (blocked, frozenset())
        self._groups = groups

    def refuse(self, asked: Asked) -> Outcome | None:
        """Answer the name of another resolver with NXDOMAIN; a step of the resolver's chain."""
        blocked, allowed = self._of(asked.client.device)
        if not blocked or asked.vouched:
            return None
        names = frozenset(parents(asked.query.host))
        if known().isdisjoint(names) or not names.isdisjoint(allowed):
            return None
        return Outcome(composed.negative(Rcode.NXDOMAIN), holds=composed.BLOCK_TTL, error=_ERROR)

    def _of(self, device: Device) -> tuple[bool, frozenset[str]]:
        resolvers = self._groups.device_groups.resolvers
        return resolvers.get(self._groups.group_of(device), self._everybody) if resolvers else self._everybody
