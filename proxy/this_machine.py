"""Which client addresses are this machine itself: loopback, and those of its interfaces.

A connection that this machine makes and that is redirected on its way out keeps the address of the interface that it
was going out by. Nobody else can complete a TCP handshake from such an address.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address

from addons.own_ports import interface_addresses
from indicators.addresses import unmap
from indicators.observation import Address

_KEEP = 10.0  # seconds that the list of interface addresses is used before it is read again


class ThisMachine:
    """Know this machine's addresses."""

    def __init__(
        self,
        interfaces: Callable[[], frozenset[Address]] = interface_addresses,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._interfaces = interfaces
        self._monotonic = monotonic
        self._ours: frozenset[Address] = frozenset()
        self._until = float("-inf")

    def holds(self, address: str) -> bool:
        """Say whether a client's address is one of this machine."""
        found = _parsed(address)
        if found is None:
            return False
        return found.is_loopback or found in self._addresses()

    def _addresses(self) -> frozenset[Address]:
        if self._monotonic() >= self._until:
            self._ours, self._until = self._interfaces(), self._monotonic() + _KEEP
        return self._ours


@lru_cache(4096)
def _parsed(address: str) -> Address | None:
    try:
        return unmap(ip_address(address.partition("%")[0]))
    except ValueError:
        return None
