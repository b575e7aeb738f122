"""Who may come in at the front's listeners, and as which device. What they may reach is judged elsewhere."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address

from indicators.addresses import unmap
from indicators.observation import Device
from proxy.config.sections.proxy import ProxyConfig
from proxy.devices import DeviceDirectory
from proxy.this_machine import ThisMachine

_REMEMBERED = 4096  # addresses


class ClientList:
    """Decide by the configuration. This machine may always come in."""

    def __init__(self, config: ProxyConfig, directory: DeviceDirectory, here: ThisMachine | None = None) -> None:
        self._here = here or ThisMachine()
        self._networks = config.allow_clients
        self._directory = directory
        self._open = config.host.is_loopback  # nobody else gets there, but through a proxy that is trusted
        self.wants_password = config.credentials == "required"
        self._is_listed = lru_cache(_REMEMBERED)(self._listed)

    @property
    def knows_passwords(self) -> bool:
        """Say whether a client that offers a password is asked for it."""
        return self.wants_password or self._directory.has_devices

    def guarded(self, address: str) -> bool:
        """Say whether private destinations are kept from a client: from all but this machine."""
        return not self._here.holds(address)

    def by_address(self, address: str, listener: str) -> Device:
        """Return the device that an address stands for."""
        return self._directory.weak(address, listener)

    def by_password(self, user: str, password: str, address: str, listener: str) -> Device | None:
        """Return the registered device with this user name and password."""
        return self._directory.by_credentials(user, password, address, listener)

    def admits(self, address: str) -> bool:
        """Say whether a client may come in. Where no network is named, a password must tell who it is."""
        return self._here.holds(address) or self._is_listed(address)

    def _listed(self, address: str) -> bool:
        if not self._networks:
            return self._open or self.wants_password
        try:
            found = unmap(ip_address(address))
        except ValueError:
            return False
        return any(found in network for network in self._networks)
