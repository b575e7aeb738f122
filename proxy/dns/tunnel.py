"""The interceptor inside the tunnel: its sockets there, and who asks: devices, each by its address in the tunnel.

Nobody else reaches these sockets. A blocked name is answered with the gateway's own address there, at which the block
page is.
"""

from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_address

from proxy.config.model import Config
from proxy.config.sections.wireguard import WireguardConfig
from proxy.devices import DeviceDirectory
from proxy.devices.seats import Seats
from proxy.dns.clients import Client
from proxy.wireguard.inner_sockets import freely_bound

LISTENER = "dns"


class TunnelClients:
    """Remember clients by their address inside, until the registry changes."""

    def __init__(self, devices: DeviceDirectory, tunnel: WireguardConfig) -> None:
        self._devices = devices
        self._page = Seats.of(tunnel).gateway
        self._known: dict[str | bytes, Client] = {}
        self._changes = -1

    def renew(self) -> None:
        """Forget everybody when the registry or the rules of device groups are others."""
        changes = self._devices.changes
        if changes != self._changes:
            self._known.clear()
            self._changes = changes

    def of(self, source: str | bytes) -> Client:
        """Return the client behind a source address as the socket gives it; a stranger may not ask."""
        self.renew()
        return self._known.get(source) or self._met(source)

    def of_stream(self, writer: asyncio.StreamWriter) -> Client | None:
        """Return the client at the other end of a connection; None when it may not ask."""
        peer = writer.get_extra_info("peername")
        client = self.of(peer[0]) if peer else None
        return client if client and client.allowed else None

    def _met(self, source: str | bytes) -> Client:
        address = str(ip_address(source.partition("%")[0] if isinstance(source, str) else source))
        device = self._devices.by_peer_address(address, LISTENER)
        if device is None:  # not kept: there are more addresses than devices
            return Client(self._devices.weak(address, LISTENER), allowed=False)
        client = self._known[source] = Client(device, page=self._page, sees_page=True)
        return client


def inner_sockets(config: Config) -> list[tuple[socket.socket, socket.socket]]:
    """Return sockets for UDP and TCP at each of the gateway's addresses inside; none without a tunnel of the kernel's.

    Raises OSError naming the key.
    """
    if not config.wireguard.by_kernel:
        return []
    port, shared = config.wireguard.inner.dns, config.dns.processes > 1
    return [
        (
            freely_bound(str(host), port, socket.SOCK_DGRAM, shared=shared),
            freely_bound(str(host), port, socket.SOCK_STREAM, shared=shared),
        )
        for host in Seats.of(config.wireguard).gateway
    ]
