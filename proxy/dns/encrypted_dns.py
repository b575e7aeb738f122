"""Names through which a device would leave this resolver: public DoH, DoT and ODoH servers, iCloud Private Relay.

With `dns.encrypted_dns: block` they do not exist, which is what their clients take for "not here" (Apple asks for
NXDOMAIN). A name that a custom indicator allows stays reachable. Resolvers known by address alone are no concern here.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from indicators.hosts import parents
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


def refuse_other_resolvers(asked: Asked) -> Outcome | None:
    """Answer the name of another resolver with NXDOMAIN."""
    if asked.vouched or known().isdisjoint(parents(asked.query.host)):
        return None
    return Outcome(composed.negative(Rcode.NXDOMAIN), holds=composed.BLOCK_TTL, error=_ERROR)
