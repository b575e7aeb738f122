"""Who a client is when nothing stronger than its address is known. Strong identities are made by their listeners."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from indicators.observation import Device
from indicators.words import IdentifiedBy

_LOOPBACK = "127.0.0.1"
_REMEMBERED = 4096  # devices


class DeviceDirectory:
    """Give the same device for the same client address at every listener of this configuration.

    DNS, HTTP and SOCKS are one listener group, so an emulator that comes through all three is one device. All
    loopback addresses are one device too: `127.0.0.1`, `::1` and IPv4-mapped forms.
    """

    def __init__(self, installation_id: str) -> None:
        self._installation = installation_id
        self._device = lru_cache(maxsize=_REMEMBERED)(self._make)

    def weak(self, address: str, listener: str) -> Device:
        """Return the device behind a client address, as seen by `listener` (`dns`, `http`, `socks`, ...)."""
        return self._device(address, listener)

    def _make(self, address: str, listener: str) -> Device:
        one = _one_spelling(address)
        digest = hashlib.sha256(f"{self._installation}\0address\0{one}".encode()).hexdigest()
        name = "this computer and its emulators" if one == _LOOPBACK else one
        return Device(
            id=digest[:32],
            name=name,
            identified_by=IdentifiedBy.ADDRESS,
            address=one,
            listener=listener,
        )


def _one_spelling(address: str) -> str:
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return _LOOPBACK if found.is_loopback else str(found)
