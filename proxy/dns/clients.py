"""Who asks: the device behind a source address, whether it may ask at all, and which address of ours it came to.

Each client is worked out once and remembered; the number remembered is bounded.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import math
import socket
from collections.abc import Collection
from dataclasses import dataclass, field
from ipaddress import IPv4Address, ip_address
from typing import Protocol

from indicators.addresses import unmap
from indicators.observation import Address, Device
from proxy.this_machine import ThisMachine

_REMEMBERED = 4096
_numbers = itertools.count()

_LOOPBACK = IPv4Address("127.0.0.1")


class Devices(Protocol):
    """Name the device behind a client address (`proxy.devices.DeviceDirectory`)."""

    def weak(self, address: str, listener: str) -> Device:
        """Return the device."""
        ...

    @property
    def rules(self) -> object:
        """Return the rules of device groups, the same object until they change."""
        ...


class Networks(Protocol):
    """Hold addresses, as `ipaddress` networks do."""

    def __contains__(self, address: object, /) -> bool: ...


@dataclass(slots=True)
class Client:
    """Hold what is known of one client. `tag` tells it from every other; `page` is where our block page is for it.

    One that `sees_page` is sent there for a blocked name, whatever `dns.blocked_answer` says.
    """

    device: Device
    allowed: bool = True
    page: tuple[Address, ...] = ()
    sees_page: bool = False
    tag: bytes = field(default_factory=lambda: next(_numbers).to_bytes(8))
    seen_again: float = 0.0  # when to tell next that this device is alive
    questions_left: float = math.inf  # under a rate limit, as of `counted_at`
    counted_at: float = 0.0
    waiting: int = 0  # questions over UDP for which an upstream is being asked


class Clients:
    """Remember clients by source address. An address of this machine counts as loopback.

    `page` is where the block page is, when it is not at the listener.
    """

    def __init__(
        self,
        devices: Devices,
        allowed: Collection[Networks],
        host: str,
        page: tuple[Address, ...] = (),
        here: ThisMachine | None = None,
    ) -> None:
        self._devices = devices
        self._allowed = tuple(allowed)
        self._host = ip_address(host)
        self._page = page
        self._here = here or ThisMachine()
        self._rules = devices.rules
        self._known: dict[str | bytes, Client] = {}

    def renew(self) -> None:
        """Forget everybody when other rules say who is in which device group."""
        rules = self._devices.rules
        if rules is not self._rules:
            self._rules = rules
            self._known.clear()

    def of(self, source: str | bytes) -> Client:
        """Return the client behind a source address as the socket gives it: text (zone or IPv4-mapped), or packed."""
        client = self._known.get(source)
        if client is None:
            client = self._meet(source)
        return client

    def of_stream(self, writer: asyncio.StreamWriter) -> Client | None:
        """Return the client at the other end of a connection; None when it may not ask."""
        self.renew()
        peer = writer.get_extra_info("peername")
        client = self.of(peer[0]) if peer else None  # none when it has gone already
        return client if client and client.allowed else None

    def _meet(self, source: str | bytes) -> Client:
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        if isinstance(source, bytes):
            client = self._known[source] = self.of(str(ip_address(source)))  # one client, however its packets come
            return client
        address = unmap(ip_address(source.partition("%")[0]))
        client = Client(
            self._devices.weak(str(address), "dns"),
            self._is_allowed(address),
            self._page or own_addresses(self._host, address),
        )
        self._known[source] = client
        return client

    def _is_allowed(self, address: Address) -> bool:
        if any(address in network for network in self._allowed):
            return True
        return self._here.holds(str(address)) and any(_LOOPBACK in network for network in self._allowed)


def own_addresses(host: Address, client: Address) -> tuple[Address, ...]:
    """Return the address at which `client` reaches a listener on `host`: that, or for a wildcard the way towards it."""
    if not host.is_unspecified:
        return (host,)
    with contextlib.suppress(OSError):
        family = socket.AF_INET if client.version == 4 else socket.AF_INET6
        with socket.socket(family, socket.SOCK_DGRAM) as sock:  # connecting a UDP socket sends nothing
            sock.connect((str(client), 9))
            return (ip_address(sock.getsockname()[0]),)
    return ()
