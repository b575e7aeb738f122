"""`firewall:` whose traffic `seawall firewall apply` routes into the gateway. Nothing is read or resolved here."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from proxy.config.values import Network, Section

type Interface = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,15}$")]


class FirewallConfig(Section):
    """Whose traffic `seawall firewall apply` routes into the gateway (Linux)."""

    interfaces: tuple[Interface, ...] = ()
    """Network interfaces behind which the devices are."""
    networks: tuple[Network, ...] = ()
    """Networks that the devices are in; with `interfaces`, both must fit."""
    method: Literal["redirect", "tproxy"] = "redirect"
    """`redirect` rewrites the destination (NAT); `tproxy` leaves packets as they are and needs `proxy.tproxy_port`."""
    bypass: tuple[Network, ...] = ()
    """Destinations that are forwarded untouched."""
