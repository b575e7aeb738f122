"""What the gateway sees of a device, and what it misses, by the way on which the device's traffic comes. Pure.

The one source of the table in docs/devices.md and of `seawall devices show`; tests hold both to it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum


class Tier(StrEnum):
    """Name the ways, the one that sees most first."""

    TUNNEL = "tunnel"
    PROXY = "proxy"
    DNS = "dns"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class Coverage:
    """Say in words for people what one way shows, what escapes it, and what a device has to do for it."""

    tier: Tier
    title: str
    needs: str
    sees: str
    misses: str


TIERS = (
    Coverage(
        Tier.TUNNEL,
        "WireGuard tunnel",
        "the WireGuard app with the device's profile; the CA for URLs",
        "all traffic that `routes` sends into the tunnel: names, addresses, ports, SNI, QUIC (refused, so that "
        "browsers use TCP), apps that ignore proxies; URLs and downloads where an indicator needs them and the CA is "
        "trusted",
        "what `routes` leaves outside; the content of pinned apps; everything while the tunnel is off",
    ),
    Coverage(
        Tier.PROXY,
        "HTTP or SOCKS5 proxy",
        "a proxy setting, a PAC file, or a global-proxy profile (supervised Apple devices); the CA for URLs",
        "host, port and SNI of apps that honour the proxy; URLs and downloads where an indicator needs them and the CA "
        "is trusted",
        "apps that ignore the proxy, QUIC and all other UDP, names asked of other resolvers; pinned apps' content",
    ),
    Coverage(
        Tier.DNS,
        "encrypted DNS (DoH or DoT)",
        "a DNS profile (Apple) or Private DNS (Android, with a publicly trusted certificate); no CA",
        "each name that the device asks for, and the addresses it is given; a whole host can be blocked",
        "URLs, downloads and SNI; connections made to an address without asking; apps with a resolver of their own; "
        "no page can be shown",
    ),
    Coverage(
        Tier.ADDRESS,
        "known by address alone",
        "nothing installed: the network sends the traffic here, or the device asks our DNS",
        "what the network routes here, told apart by source address only",
        "who it is once its address changes (it is never trusted as an identity); all traffic in other networks",
    ),
)
_OF_CREDENTIAL = {"wireguard": Tier.TUNNEL, "proxy": Tier.PROXY, "token": Tier.DNS}
NEVER = "installed apps, a jailbreak or root, and what happens on the device: a gateway cannot see them on any way"


def coverage_of(credentials: Collection[str]) -> tuple[Coverage, ...]:
    """Return the ways that a device with these credentials can come by, the one that sees most first.

    >>> [one.tier.value for one in coverage_of(["token", "proxy"])]
    ['proxy', 'dns']
    """
    has = {_OF_CREDENTIAL[kind] for kind in credentials if kind in _OF_CREDENTIAL} or {Tier.ADDRESS}
    return tuple(one for one in TIERS if one.tier in has)


def as_json(ways: Collection[Coverage]) -> list[dict[str, str]]:
    """Return ways for programs."""
    return [{"tier": str(one.tier), "title": one.title, "sees": one.sees, "misses": one.misses} for one in ways]


def as_table() -> str:
    """Return the table of docs/devices.md."""
    head = "| way | what it needs | what is seen | what is missed |\n| --- | --- | --- | --- |\n"
    return head + "".join(f"| {one.title} | {one.needs} | {one.sees} | {one.misses} |\n" for one in TIERS)
