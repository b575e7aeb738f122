"""`wireguard:` the tunnel by which devices come to the gateway from anywhere. Nothing is read or resolved here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from proxy.config.values import Address, Network, Port, Section, whole_number

_LEAST_IPV6_MTU = 1280  # octets, RFC 8200, section 5
_RANGE = re.compile(r"([0-9]{1,5})-([0-9]{1,5})")
_HOST = re.compile(r"[A-Za-z0-9_.:-]{0,253}")


def _whole_network(value: object) -> object:
    """Refuse a number, which `ipaddress` would read as an address."""
    if not isinstance(value, str | IPv4Network | IPv6Network):
        raise ValueError(f"expected a network such as 10.87.0.0/16, got {value!r}")
    return value


def port_range(text: str) -> range:
    """Return the ports of `FIRST-LAST`. Raises ValueError.

    >>> port_range("51821-51823")
    range(51821, 51824)
    """
    found = _RANGE.fullmatch(text)
    first, last = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= first <= last <= 65535:
        raise ValueError(f"expected two ports such as 51821-51920, got {text!r}")
    return range(first, last + 1)


def _range(value: str) -> str:
    port_range(value)
    return value


def _endpoint(value: str) -> str:
    if not _HOST.fullmatch(value):
        raise ValueError(f"expected a name or an address without a port, got {value!r}")
    return value


@dataclass(frozen=True, slots=True)
class InnerPorts:
    """Name the ports at the gateway's address inside the tunnel; DNS is there on UDP, too."""

    first: int

    @property
    def front(self) -> int:
        """Return the front's port."""
        return self.first

    @property
    def http(self) -> int:
        """Return the block page's port for HTTP."""
        return self.first + 1

    @property
    def https(self) -> int:
        """Return the block page's port for HTTPS."""
        return self.first + 2

    @property
    def dns(self) -> int:
        """Return the interceptor's port."""
        return self.first + 3


class WireguardConfig(Section):
    """The tunnel (WireGuard) by which devices come to the gateway from anywhere."""

    enabled: bool = False
    """Whether devices get a tunnel."""
    backend: Literal["auto", "kernel", "userspace"] = "auto"
    """`kernel` makes a network interface (root, Linux), `userspace` needs no right; `auto` takes what can be had."""
    port: Port = 51820
    """UDP port that devices send to, for `kernel`."""
    ports: Annotated[str, AfterValidator(_range)] = "51821-51920"
    """UDP ports for `userspace`: one for each device."""
    interface: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,15}$")] = "seawall0"
    """Name of the network interface, for `kernel`."""
    inner_port: Annotated[int, Field(ge=1024, le=65532), BeforeValidator(whole_number)] = 4870
    """First of four TCP ports at the gateway's address inside the tunnel, for `kernel`; only devices reach them."""
    network: Annotated[IPv4Network, BeforeValidator(_whole_network)] = IPv4Network("10.87.0.0/16")
    """IPv4 network inside the tunnel: its first address is the gateway's, each device gets another."""
    network6: Annotated[IPv6Network, BeforeValidator(_whole_network)] = IPv6Network("fd87:5ea:11::/64")
    """IPv6 network inside the tunnel, likewise."""
    endpoint: Annotated[str, AfterValidator(_endpoint)] = ""
    """Name or address by which devices reach this computer from outside."""
    routes: Literal["all", "public", "corporate"] = "all"
    """What devices send through the tunnel: everything, all but private networks, or `corporate` alone."""
    corporate: tuple[Network, ...] = ()
    """Private networks that devices may reach through the tunnel."""
    dns: tuple[Address, ...] = ()
    """Resolvers that devices are told; whatever they ask is answered by the gateway."""
    mtu: Annotated[int, Field(ge=_LEAST_IPV6_MTU, le=9000), BeforeValidator(whole_number)] = 1280
    """Longest packet inside the tunnel, in bytes."""
    keepalive: Annotated[int, Field(ge=0, le=65535), BeforeValidator(whole_number)] = 25
    """Seconds after which a device says that it is there, so that routers keep the way open; 0 for never."""
    udp: Literal["forward", "reject"] = "forward"
    """What becomes of UDP other than DNS and QUIC, such as calls: passed on unjudged, or refused (`kernel`)."""

    @property
    def inner(self) -> InnerPorts:
        """Return the ports inside the tunnel."""
        return InnerPorts(self.inner_port)

    @property
    def by_kernel(self) -> bool:
        """Say whether the gateway has listeners inside the tunnel; only where `backend` has been decided."""
        return self.enabled and self.backend == "kernel"
