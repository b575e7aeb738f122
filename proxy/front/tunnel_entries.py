"""The front's listeners inside the tunnel, and who comes in by them: devices, each by its address there.

The sockets are bound to addresses that the interface may not have yet or may lose for a moment (IP_FREEBIND). Nothing
but the tunnel reaches them: the firewall drops such addresses elsewhere.
"""

from __future__ import annotations

import socket

from indicators.observation import Device
from proxy.config.model import Config
from proxy.devices import DeviceDirectory
from proxy.devices.seats import Seats
from proxy.front.front import Entry
from proxy.front.greetings import GreetingError
from proxy.front.transparent import redirected_from
from proxy.pages.arriving import HTTP, HTTPS
from proxy.wireguard.inner_sockets import freely_bound


class TunnelClients:
    """Know devices by their address inside the tunnel; an address that is nobody's does not come in."""

    wants_password = False
    knows_passwords = False

    def __init__(self, directory: DeviceDirectory) -> None:
        self._directory = directory

    def admits(self, address: str) -> bool:
        """Say whether this is a device's address."""
        return self._directory.by_peer_address(address, "") is not None

    def guarded(self, address: str) -> bool:
        """Say that private destinations are kept from every device, but for those that are named."""
        return True

    def by_address(self, address: str, listener: str) -> Device:
        """Return the device. Raises GreetingError when it was revoked meanwhile."""
        found = self._directory.by_peer_address(address, listener)
        if found is None:
            raise GreetingError("the device is no longer known")
        return found

    def by_password(self, user: str, password: str, address: str, listener: str) -> Device | None:
        """Return nothing: here the address says who it is."""
        return None


def tunnel_entries(config: Config, directory: DeviceDirectory) -> list[Entry]:
    """Return the listeners inside the tunnel, bound; none without one. Raises OSError naming the key."""
    if not config.wireguard.by_kernel:
        return []
    clients, inner = TunnelClients(directory), config.wireguard.inner
    made: list[Entry] = []
    try:
        for host in map(str, Seats.of(config.wireguard).gateway):
            suffix = "_v6" if ":" in host else ""
            front = freely_bound(host, inner.front, socket.SOCK_STREAM)
            made.append(Entry(f"tunnel{suffix}", "transparent", front, redirected_from, clients))
            for listener, port in ((HTTP, inner.http), (HTTPS, inner.https)):
                sock = freely_bound(host, port, socket.SOCK_STREAM)
                made.append(Entry(f"tunnel_{listener}{suffix}", listener, sock, None, clients))
    except OSError:
        for entry in made:
            entry.sock.close()
        raise
    return made
