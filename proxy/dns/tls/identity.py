"""Who asks over TLS: the device of a token in the path or server name, else the weak device of the source address.

A token opens the resolver to its device from anywhere; without one `dns.allow_clients` decides. A token that is not
known is refused, never taken for no token.
"""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_address

from indicators.addresses import unmap
from indicators.observation import Device
from proxy.devices import DeviceDirectory
from proxy.dns.clients import Client, Clients, Networks

_REMEMBERED = 4096  # devices


class Visitors:
    """Find the client behind a connection or request. `name` is the server name of `dns.tls.name`."""

    def __init__(self, devices: DeviceDirectory, allowed: Collection[Networks], name: str) -> None:
        self._devices = devices
        self._weak = Clients(devices, allowed, "127.0.0.1")
        self._suffix = f".{name.lower()}"
        self._strong: dict[Device, Client] = {}

    def by_address(self, source: str) -> Client | None:
        """Return the weak client; None when its network may not ask."""
        self._weak.renew()
        client = self._weak.of(source)
        return client if client.allowed else None

    def by_token(self, token: str, source: str, listener: str) -> Client | None:
        """Return the client of a device's token; None when nobody has it."""
        address = str(unmap(ip_address(source.partition("%")[0])))
        device = self._devices.by_token(token, address, listener)
        return self._client(device) if device else None

    def by_server_name(self, name: str, source: str) -> Client | None:
        """Return the client of `TOKEN.NAME`; the weak one for every other name, and for none."""
        token = self.token_in(name)
        return self.by_address(source) if token is None else self.by_token(token, source, "dot")

    def token_in(self, name: str) -> str | None:
        """Return what stands before the configured name; None for names that are not below it."""
        lowered = name.lower().rstrip(".")
        return lowered.removesuffix(self._suffix) if lowered.endswith(self._suffix) else None

    def refuses(self, name: str) -> bool:
        """Say whether a server name holds a token that nobody has: its handshake is refused."""
        token = self.token_in(name)
        return token is not None and self._devices.by_token(token, "", "dot") is None

    def _client(self, device: Device) -> Client:
        found = self._strong.get(device)
        if found is None:
            if len(self._strong) >= _REMEMBERED:
                self._strong.clear()
            found = self._strong[device] = Client(device)
        return found
