"""What the keeper of the tunnel's interface is to do, as one value, and its JSON on the way there. Pure.

What arrives is checked again: the keeper has rights that its caller has not, so nothing of a plan may be but what it
says it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from proxy.config.model import Config
from proxy.config.sections.wireguard import InnerPorts
from proxy.profiles.keys import checked_public
from proxy.profiles.routes import Network

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,15}")


@dataclass(frozen=True, slots=True)
class TunnelPlan:
    """Say what the interface is and where its traffic goes. `reachable` are private networks that devices may reach."""

    interface: str
    private_key: str
    port: int
    network: IPv4Network
    network6: IPv6Network
    mtu: int
    inner: InnerPorts
    rejects_quic: bool
    forwards_udp: bool
    reachable: tuple[Network, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return its JSON object."""
        return {
            "interface": self.interface,
            "private_key": self.private_key,
            "port": self.port,
            "network": str(self.network),
            "network6": str(self.network6),
            "mtu": self.mtu,
            "inner": self.inner.first,
            "rejects_quic": self.rejects_quic,
            "forwards_udp": self.forwards_udp,
            "reachable": [str(one) for one in self.reachable],
        }


def plan_of(config: Config, private_key: str) -> TunnelPlan:
    """Return the plan of a configuration with the port filled in."""
    tunnel = config.wireguard
    return TunnelPlan(
        interface=tunnel.interface,
        private_key=private_key,
        port=tunnel.port,
        network=tunnel.network,
        network6=tunnel.network6,
        mtu=tunnel.mtu,
        inner=tunnel.inner,
        rejects_quic=config.quic == "reject",
        forwards_udp=tunnel.udp == "forward",
        reachable=(*config.proxy.allow_private, *tunnel.corporate),
    )


def plan_from(body: Mapping[str, Any]) -> TunnelPlan:
    """Read a plan. Raises ValueError, KeyError or TypeError for what is none."""
    return TunnelPlan(
        interface=checked_interface(body["interface"]),
        private_key=checked_public(body["private_key"]),  # the same shape: 32 bytes
        port=_number(body["port"], 65535),
        network=IPv4Network(body["network"]),
        network6=IPv6Network(body["network6"]),
        mtu=_number(body["mtu"], 9000),
        inner=InnerPorts(_number(body["inner"], 65532)),
        rejects_quic=body["rejects_quic"] is True,
        forwards_udp=body["forwards_udp"] is True,
        reachable=tuple(ip_network(str(one)) for one in body["reachable"]),
    )


def checked_interface(name: object) -> str:
    """Return a network interface's name. Raises ValueError."""
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name in (".", ".."):
        raise ValueError(f"{name!r:.40} cannot be a network interface's name")
    return name


def _number(value: object, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise ValueError(f"expected a number from 1 to {most}, got {value!r:.40}")
    return value
