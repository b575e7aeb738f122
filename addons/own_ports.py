"""Refuse the gateway's own ports as destinations, whatever spelling of this machine's address is used.

An address is ours when it is loopback, unspecified, or stands on one of this machine's interfaces; IPv4 inside IPv6 is
seen through. mitmproxy's own check knows four spellings of its own listeners only.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from ipaddress import IPv4Address, IPv6Address

import psutil

from indicators.addresses import parse_address, unmap
from indicators.observation import Address

_KEEP = 10.0  # seconds that the list of interface addresses is used before it is read again

log = logging.getLogger(__name__)


def interface_addresses() -> frozenset[Address]:
    """Return the addresses of this machine's interfaces."""
    found: set[Address] = set()
    for entries in psutil.net_if_addrs().values():
        for entry in entries:
            try:
                found.add(parse_address(entry.address))
            except ValueError:
                continue  # a hardware address
    return frozenset(found)


class OwnPorts:
    """Know which destinations are the gateway itself."""

    def __init__(
        self,
        ports: Callable[[], Awaitable[frozenset[int]]],
        monotonic: Callable[[], float],
        interfaces: Callable[[], frozenset[Address]] = interface_addresses,
    ) -> None:
        self._ports = ports
        self._monotonic = monotonic
        self._interfaces = interfaces
        self._ours: frozenset[Address] = frozenset()
        self._read_at = float("-inf")
        self._last: frozenset[int] | None = None

    async def holds(self, addresses: Iterable[Address], port: int) -> bool:
        """Say whether one of these addresses with this port is the gateway.

        Ports are asked for anew for every destination on this machine. While they are not known at all, every port
        of this machine counts as ours.
        """
        if not any(self._is_ours(address) for address in addresses):
            return False
        try:
            self._last = await self._ports()
        except (OSError, RuntimeError, ValueError) as problem:
            log.warning("the gateway's own ports could not be asked for: %s", problem)
        return self._last is None or port in self._last

    def _is_ours(self, address: Address) -> bool:
        plain = unmap(address)
        if plain.is_loopback or plain.is_unspecified or (plain.version == 4 and _is_this_network(plain)):
            return True
        return plain in self._own_addresses()

    def _own_addresses(self) -> frozenset[Address]:
        now = self._monotonic()
        if now - self._read_at >= _KEEP:
            self._ours, self._read_at = self._interfaces(), now
        return self._ours


def _is_this_network(address: IPv4Address | IPv6Address) -> bool:
    """Say whether an address lies in 0.0.0.0/8, which systems treat as this machine (RFC 1122, 3.2.1.3)."""
    return address.packed[0] == 0
