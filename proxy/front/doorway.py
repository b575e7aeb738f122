"""What all connections of one listener share. Values and protocols only."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from indicators.frozen import frozen
from indicators.observation import Device
from indicators.ports import Reporter
from indicators.words import OnError
from proxy.front.client import Client
from proxy.front.crossing import Crossing, Passage
from proxy.front.mismatch import Mismatches
from proxy.front.tunnels import Tunnels
from proxy.hand_over import HandOver


class Inspecting(Protocol):
    """Take clients over."""

    async def give(self, given: HandOver, client: Client) -> None:
        """Hand a client's socket over and let go of it. Raises OSError when no inspector takes it."""
        ...


class ProxyHeader(Protocol):
    """Read the header by which a trusted proxy before us names the client (PROXY protocol)."""

    def trusts(self, address: str) -> bool:
        """Say whether a connection from this address begins with the header."""
        ...

    def read(self, data: bytes) -> tuple[str, int] | None:
        """Return the client's address, empty when it has none, and the bytes consumed; nothing while it is not whole.

        Raises GreetingError for what is none.
        """
        ...


class Clients(Protocol):
    """Know who a client is, and whether it may come in."""

    @property
    def wants_password(self) -> bool:
        """Say whether a client without a password is turned away."""
        ...

    @property
    def knows_passwords(self) -> bool:
        """Say whether a client that offers a password is asked for it."""
        ...

    def admits(self, address: str) -> bool:
        """Say whether a client may come in from this address."""
        ...

    def guarded(self, address: str) -> bool:
        """Say whether private destinations are kept from a client at this address."""
        ...

    def by_address(self, address: str, listener: str) -> Device:
        """Return the device that an address stands for."""
        ...

    def by_password(self, user: str, password: str, address: str, listener: str) -> Device | None:
        """Return the registered device with this user name and password; nothing when they are wrong."""
        ...


@frozen
class Caller:
    """Hold who came in at a doorway."""

    device: Device
    guarded: bool = False


@dataclass(frozen=True, slots=True)
class Doorway:
    """Hold what the connections of a listener share.

    `listener` is `http`, `socks`, `transparent` or another key of `entrance.SERVED`. A redirected connection needs
    `destination_of`, which returns where it was going and raises OSError when that cannot be known. `unenforced` counts
    a connection that passes unopened though URLs on its host are listed. `scans` says that every file is looked into.
    `has_room` says, once, whether a client may have a place. `said` notes the name in a ClientHello, whether it
    contradicts the one asked for, and whether there was Encrypted ClientHello.
    """

    listener: str
    crossing: Crossing
    clients: Clients
    inspectors: Inspecting
    reporter: Reporter
    tunnels: Tunnels
    mismatches: Mismatches
    on_error: OnError = OnError.CLOSED
    unenforced: Callable[[Device, str], None] = lambda device, host: None
    said: Callable[[Passage, str, bool, bool], None] = lambda passage, name, contradicts, ech: None
    destination_of: Callable[[socket.socket], tuple[str, int]] | None = None
    proxy_header: ProxyHeader | None = None
    scans: bool = False
    has_room: Callable[[Client], bool] = lambda client: True

    def by_address(self, client: Client) -> Caller:
        """Return who a client is by its address."""
        return Caller(self.clients.by_address(client.address, self.listener), self.clients.guarded(client.address))

    def by_password(self, client: Client, user: str, password: str) -> Caller | None:
        """Return who a client is by its user name and password; nothing when they are wrong."""
        device = self.clients.by_password(user, password, client.address, self.listener)
        return Caller(device, self.clients.guarded(client.address)) if device else None
