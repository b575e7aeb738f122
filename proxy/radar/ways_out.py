"""Names and ports by which a device would leave us: other encrypted resolvers, other VPNs. Looked up, nothing else."""

from __future__ import annotations

from functools import cache, lru_cache
from importlib.resources import files

from indicators.coverage import Sign
from indicators.hosts import parents
from proxy.dns.encrypted_dns import known

VPN_PORTS = frozenset((1194, 1723))
"""TCP ports of OpenVPN and PPTP."""
ECH_NAMES = frozenset(("cloudflare-ech.com",))
"""Names that stand in a ClientHello in the place of the real one."""


@cache
def other_vpns() -> frozenset[str]:
    """Return the names of the data file; each covers its subdomains."""
    text = (files("proxy.radar") / "data" / "other_vpns.txt").read_text("utf-8")
    return frozenset(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))


@lru_cache(maxsize=4096)  # asked once a connection
def way_out(host: str, port: int | None = None) -> Sign | None:
    """Return what a destination is a sign of; nothing for nearly all."""
    names = frozenset(parents(host)) if host else frozenset()
    if not known().isdisjoint(names):
        return Sign.OTHER_DNS
    if port in VPN_PORTS or not other_vpns().isdisjoint(names):
        return Sign.OTHER_VPN
    return None
