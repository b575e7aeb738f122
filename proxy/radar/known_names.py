"""Signs of connections that go to an address, beside the names that our DNS gave the device for it.

The front asks for these names as it judges; whoever carries connections without it (an inspector, the tunnel in user
space) tells through this. Nobody waits: a sign is noted when the resolver has answered, or without its word.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Protocol

from indicators.hosts import is_address
from indicators.observation import Device
from proxy.radar.signs import Signs

_AT_ONCE = 256  # questions that wait; beyond that signs are noted without the names


class Names(Protocol):
    """Know which names our DNS gave (`proxy.dns.lookup.LookupClient`)."""

    async def names(self, address: str, device: Device) -> tuple[str, ...]:
        """Return the names that a client was given an address for. Raises OSError or ValueError."""
        ...


class KnownNames:
    """Implement `addons.sights.Sights`."""

    def __init__(self, signs: Signs, names: Names) -> None:
        self._signs = signs
        self._names = names
        self._asking: set[asyncio.Task[None]] = set()

    def arrived(self, device: Device, host: str, port: int) -> None:
        """Note a connection that came to us first; to an address, it is unnamed where our DNS gave no name for it."""
        if not self._begin(host, self._arrived(device, host, port)):
            self._signs.came(device, host, port)

    def came(self, device: Device, host: str, port: int) -> None:
        """Note a destination within a connection."""
        self._signs.came(device, host, port)

    def named(self, device: Device, name: str) -> None:
        """Note a name within a connection."""
        self._signs.named(device, name)

    def said(self, device: Device, name: str, *, contradicts: bool, ech: bool, dial: str = "") -> None:
        """Note the name in a ClientHello; to an address it contradicts the names that our DNS gave, if it is none."""
        if contradicts or not self._begin(dial, self._said(device, name, dial, ech)):
            self._signs.said(device, name, contradicts=contradicts, ech=ech)

    def _begin(self, host: str, work: Coroutine[None, None, None]) -> bool:
        if not is_address(host) or len(self._asking) >= _AT_ONCE:
            work.close()
            return False
        task = asyncio.get_running_loop().create_task(work)
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)
        return True

    async def _arrived(self, device: Device, host: str, port: int) -> None:
        found = await self._found(device, host)
        self._signs.came(device, host, port, unnamed=found == ())

    async def _said(self, device: Device, name: str, dial: str, ech: bool) -> None:
        found = await self._found(device, dial)
        self._signs.said(device, name, contradicts=bool(found) and name not in (found or ()), ech=ech)

    async def _found(self, device: Device, address: str) -> tuple[str, ...] | None:
        """Return the names; None where the resolver does not say."""
        try:
            return await self._names.names(address, device)
        except (OSError, ValueError):
            return None
