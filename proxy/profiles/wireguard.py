"""A device's WireGuard configuration as text, in the keys that every client knows: wg-quick, Android, iOS and macOS.

Apple's app refuses keys it does not know, so none of one platform alone are written (wireguard-apple, MOBILECONFIG.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from proxy.profiles.routes import Address, Network

MTU = 1280  # what mobile networks and tunnels within tunnels let pass
KEEPALIVE = 25  # seconds; keeps the way through a NAT open
_LONGEST_NAME = 15  # characters, Android's and Linux' limit of an interface's name


@dataclass(frozen=True, slots=True)
class TunnelProfile:
    """Hold what a device needs to know. `gateway` are the gateway's addresses in the tunnel, which answer DNS.

    With `dns` those are written down as resolvers instead. `mtu` is in bytes, `keepalive` in seconds (0 for never).
    """

    private_key: str
    addresses: tuple[Address, ...]
    gateway: tuple[Address, ...]
    server_key: str
    endpoint: str
    allowed: tuple[Network, ...]
    preshared_key: str = ""
    dns: tuple[Address, ...] = ()
    mtu: int = MTU
    keepalive: int = KEEPALIVE


def text_of(profile: TunnelProfile) -> str:
    """Return the file; its private key is in clear text."""
    lines = [
        "[Interface]",
        f"PrivateKey = {profile.private_key}",
        f"Address = {_listed(f'{one}/{one.max_prefixlen}' for one in profile.addresses)}",
        f"DNS = {_listed(map(str, profile.dns or profile.gateway))}",
        f"MTU = {profile.mtu}",
        "",
        "[Peer]",
        f"PublicKey = {profile.server_key}",
        *([f"PresharedKey = {profile.preshared_key}"] if profile.preshared_key else []),
        f"AllowedIPs = {_listed(map(str, profile.allowed))}",
        f"Endpoint = {profile.endpoint}",
        *([f"PersistentKeepalive = {profile.keepalive}"] if profile.keepalive else []),
        "",
    ]
    return "\n".join(lines)


def tunnel_name(device: str) -> str:
    """Return a name for a device's file: what Android and Linux take as the name of an interface.

    >>> tunnel_name("Anna's Pixel 8 (work)")
    'Annas-Pixel-8-w'
    """
    words = re.sub(r"[^a-zA-Z0-9_=+.\s-]", "", device.encode("ascii", "ignore").decode())
    return "-".join(words.split())[:_LONGEST_NAME].strip(".-") or "seawall"


def endpoint_of(host: str, port: int) -> str:
    """Return an endpoint; an IPv6 address stands in brackets.

    >>> endpoint_of("2001:db8::1", 51820)
    '[2001:db8::1]:51820'
    """
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _listed(parts: Iterable[str]) -> str:
    return ", ".join(parts)
