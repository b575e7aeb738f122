"""What carries the tunnel, as a port: the kernel's (or wireguard-go's) interface, or mitmproxy's mode in user space.

Values and protocols only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from proxy.devices.record import DeviceRecord
from proxy.wireguard.blocked_addresses import Range


class TunnelError(RuntimeError):
    """Say why the tunnel cannot be had or changed, and what to do; the text is fit for a person."""


@dataclass(frozen=True, slots=True)
class TunnelPeer:
    """Hold one device as a peer: its public key, its addresses inside, and the UDP port that is its alone, if any."""

    device: str
    key: str
    addresses: tuple[str, ...]
    port: int = 0


@dataclass(frozen=True, slots=True)
class PeerTraffic:
    """Hold what the tunnel knows of a peer. `handshake` is None for one that was never heard.

    `endpoint` is where it was last heard from (`address:port`); bytes are those since the tunnel was started.
    """

    key: str
    handshake: datetime | None = None
    endpoint: str = ""
    received: int = 0
    sent: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return its JSON object."""
        handshake = self.handshake.isoformat(timespec="seconds") if self.handshake else None
        return {"handshake": handshake, "endpoint": self.endpoint, "received": self.received, "sent": self.sent}


class TunnelBackend(Protocol):
    """Carry the tunnel. One caller at a time."""

    @property
    def trouble(self) -> str:
        """Say what is wrong with it at the moment, for the status; empty when all is well."""
        ...

    async def start(self, peers: Sequence[TunnelPeer]) -> None:
        """Take devices' packets from now on. Raises TunnelError, with nothing left behind."""
        ...

    async def apply(self, peers: Sequence[TunnelPeer]) -> None:
        """Have these peers and no others; those that stay are not disturbed. Raises TunnelError."""
        ...

    async def block(self, ranges: Sequence[Range]) -> None:
        """Pass no datagrams on to these addresses and, of those told earlier, to no others. Raises TunnelError."""
        ...

    async def traffic(self) -> Mapping[str, PeerTraffic]:
        """Return what is known of each peer, by its public key. Raises TunnelError."""
        ...

    async def stop(self) -> None:
        """Take everything away again; harmless when it was never started."""
        ...


def peers_of(records: Sequence[DeviceRecord]) -> tuple[TunnelPeer, ...]:
    """Return the devices that have a tunnel, as its peers."""
    return tuple(
        TunnelPeer(one.id, one.peer_key, one.addresses, one.tunnel_port)
        for one in records
        if one.peer_key and one.addresses
    )
