"""One look at one connection: who, at which stage, and what was seen. Values only; nothing is judged here."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from indicators.frozen import frozen
from indicators.indicator import Indicator
from indicators.words import IdentifiedBy, Stage, Visibility

type Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Device:
    """Name the device that a connection belongs to.

    `id` is stable and opaque; DNS, HTTP and SOCKS of one configuration give the same id for the same client.
    `group` is the one device group it belongs to. User agent and operating system are attributes of what it says,
    never part of who it is, so they are not here.
    """

    id: str
    name: str
    group: str = "default"
    identified_by: IdentifiedBy = IdentifiedBy.ADDRESS
    address: str = ""
    listener: str = ""  # "dns", "http", "socks", "transparent", ...


@frozen
class Observation:
    """Hold what was seen of one connection at one stage.

    `hosts` are canonical names, the destination asked for first, then those it led to (CNAME targets, SNI, a name our
    DNS gave for the address). `url` is what the client sent, absolute; judging makes it canonical. `reach` is the most
    that the gateway can come to see of this device's connection: `DNS` for a device known by DNS alone, `SNI` where
    we may not decrypt, `URL` where we may. `can_show_page` says whether a block or warn page can reach the person.
    `findings` are indicators that were met by other means than a value's equality, such as a scan of a download.
    """

    stage: Stage
    device: Device
    hosts: tuple[str, ...] = ()
    url: str | None = None
    addresses: tuple[Address, ...] = ()
    port: int | None = None
    hashes: tuple[str, ...] = ()  # lower-case hex: SHA-256 (64), SHA-1 (40), MD5 (32) characters
    certificate: str | None = None  # SHA-1 thumbprint, lower-case hex
    reach: Visibility = Visibility.URL
    can_show_page: bool = True
    user_agent: str = ""
    findings: tuple[Indicator, ...] = ()

    @property
    def host(self) -> str:
        """Return the destination asked for; empty when only an address is known."""
        return self.hosts[0] if self.hosts else ""

    @property
    def destination(self) -> str:
        """Return the name or address that an alert speaks of."""
        return self.host or (str(self.addresses[0]) if self.addresses else "")
