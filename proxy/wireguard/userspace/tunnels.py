"""The tunnels of all devices: brought to what is wanted, one listener at a time, the others left running.

Who is wanted is another's word (the registry's); what a stream becomes, too.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from indicators.observation import Device
from proxy.wireguard.userspace.device_tunnel import TunnelSpec

log = logging.getLogger(__name__)


class Tunnel(Protocol):
    """Listen for one device (`device_tunnel.DeviceTunnel`)."""

    @property
    def spec(self) -> TunnelSpec:
        """Return what it was made from."""
        ...

    @property
    def port(self) -> int:
        """Return the port bound."""
        ...

    async def start(self) -> None:
        """Bind. Raises OSError or ValueError."""
        ...

    async def stop(self) -> None:
        """Let go of the port."""
        ...


class Tunnels:
    """Hold the open tunnels by their devices' ids. `problems` says of each device that has none why.

    `make` makes a tunnel that does not listen yet; `cut` ends all that a device has open, at once. `devices` are those
    that are wanted, as they are called now: kept here, read by who serves their streams.
    """

    def __init__(
        self,
        make: Callable[[TunnelSpec], Tunnel],
        cut: Callable[[str], Awaitable[None]],
        devices: dict[str, Device],
    ) -> None:
        self.problems: dict[str, str] = {}
        self._make = make
        self._cut = cut
        self._open: dict[str, Tunnel] = {}
        self._devices = devices
        self._one_at_a_time = asyncio.Lock()

    def ports(self) -> dict[str, int]:
        """Return the UDP ports bound, by the devices' ids."""
        return {key: tunnel.port for key, tunnel in self._open.items()}

    async def apply(self, wanted: Iterable[TunnelSpec]) -> None:
        """Bring the tunnels to what is wanted. One that cannot be opened is a problem of its device alone."""
        by_id = {spec.device.id: spec for spec in wanted}
        async with self._one_at_a_time:
            self._devices.clear()
            self._devices.update({key: spec.device for key, spec in by_id.items()})
            self.problems = {key: why for key, why in self.problems.items() if key in by_id}
            for key, tunnel in list(self._open.items()):
                spec = by_id.get(key)
                if spec is None or not spec.is_same_listener(tunnel.spec):
                    await self._close(key)
            for key, spec in by_id.items():
                if key not in self._open:
                    await self._start(key, spec)

    async def close(self) -> None:
        """Close all tunnels."""
        await self.apply(())

    async def _start(self, key: str, spec: TunnelSpec) -> None:
        tunnel = self._make(spec)
        try:
            await tunnel.start()
        except (OSError, ValueError) as problem:
            self.problems[key] = f"no tunnel for {spec.device.name!r} at UDP port {spec.port}: {problem}"
            log.warning("%s", self.problems[key])
            return
        self._open[key] = tunnel
        self.problems.pop(key, None)

    async def _close(self, key: str) -> None:
        tunnel = self._open.pop(key)
        await self._cut(key)
        try:
            await tunnel.stop()
        except (OSError, TimeoutError) as problem:
            log.warning("a tunnel did not close in time: %s", problem or "its port is still held")
        await self._cut(key)  # what came while it closed
