"""Read a device's tunnel from what the gateway answered (`proxy/wireguard/terms.py`). Nothing is asked here."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Any

from proxy import endpoints
from proxy.profiles.wireguard import TunnelProfile, endpoint_of


def tunnel_of(answer: Mapping[str, Any] | None, host: str = "") -> TunnelProfile | None:
    """Return the tunnel; nothing where there is none, or where the device alone has its key.

    With `host` the device reaches the gateway there: an emulator, say, by 10.0.2.2.
    """
    if not answer or not answer.get("private_key") or not answer.get("addresses"):
        return None
    endpoint = str(answer["endpoint"])
    return TunnelProfile(
        private_key=str(answer["private_key"]),
        addresses=tuple(map(ip_address, answer["addresses"])),
        gateway=tuple(map(ip_address, answer["gateway"])),
        server_key=str(answer["server_key"]),
        endpoint=endpoint_of(host, endpoints.split(endpoint)[1]) if host else endpoint,
        allowed=tuple(map(ip_network, answer["allowed_ips"])),
        dns=tuple(map(ip_address, answer["dns"])),
        mtu=int(answer["mtu"]),
        keepalive=int(answer["keepalive"]),
    )
