"""Keep the tunnels as the registry of devices has them: at once when the supervisor says so, and by looking at it.

The registry is the truth; what the supervisor sends is only that it has changed. So a process that is started again
needs nobody to tell it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from proxy.control.server import Handler, Peer
from proxy.devices.directory import DeviceDirectory
from proxy.devices.published import PublishedRegistry
from proxy.devices.record import DeviceRecord
from proxy.profiles.keys import KeyPair
from proxy.wireguard.backend import PeerTraffic
from proxy.wireguard.userspace.device_tunnel import TunnelSpec
from proxy.wireguard.userspace.server_key import own_keys
from proxy.wireguard.userspace.tunnels import Tunnels

LISTENER = "wireguard"
_LOOK = 0.25  # seconds between looks at the registry

type Heard = Mapping[str, tuple[datetime, str]]  # by device: when something came last, and from where


class Following:
    """Bring the tunnels to the registry's state. `heard` is what the streams have noted."""

    def __init__(
        self, registry: PublishedRegistry, directory: DeviceDirectory, server: KeyPair, tunnels: Tunnels, heard: Heard
    ) -> None:
        self._registry = registry
        self._directory = directory
        self._server = server
        self._tunnels = tunnels
        self._heard = heard
        self._seen = -1
        self._one_at_a_time = asyncio.Lock()

    def handlers(self) -> dict[str, Handler]:
        """Return what the supervisor may ask."""
        return {"apply": self.apply, "traffic": self.traffic}

    async def apply(self, peer: Peer, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """Take over the registry as it is now; say which devices have no tunnel, and why."""
        await self.take_over()
        return {"problems": list(self._tunnels.problems.values())}

    async def traffic(self, peer: Peer, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """Tell of each peer, by its public key, when and from where something came last."""
        found = {}
        for record in self._registry.current().records:
            when, where = self._heard.get(record.id, (None, ""))
            if record.peer_key and when:
                found[record.peer_key] = PeerTraffic(record.peer_key, when, where).to_json()
        return {"traffic": found}

    async def take_over(self) -> None:
        """Bring the tunnels to what the registry says."""
        async with self._one_at_a_time:  # else an older state could come after a newer one
            self._seen = self._directory.changes
            records = self._registry.current().records
            await self._tunnels.apply(spec for record in records if (spec := self._spec(record)))

    async def run(self) -> None:
        """Look for changes until cancelled, and try again what could not be opened."""
        while True:
            await asyncio.sleep(_LOOK)
            if self._directory.changes != self._seen or self._tunnels.problems:
                await self.take_over()

    def _spec(self, record: DeviceRecord) -> TunnelSpec | None:
        if not record.peer_key or not record.tunnel_port:
            return None
        device = self._directory.by_peer_key(record.peer_key, record.address, LISTENER)
        if device is None:  # replaced between two looks: the next one sees it
            return None
        return TunnelSpec(device, record.tunnel_port, own_keys(self._server, record.id).private, record.peer_key)
