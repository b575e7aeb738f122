"""A tunnel backend that keeps what it was told, for tests of what stands above it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from proxy.wireguard.backend import PeerTraffic, TunnelError, TunnelPeer
from proxy.wireguard.blocked_addresses import Range


class ToldBackend:
    """Remember the peers of the moment. With `broken` set every call fails with it."""

    def __init__(self) -> None:
        self.peers: dict[str, TunnelPeer] | None = None
        self.blocked: list[Range] = []
        self.seen: dict[str, PeerTraffic] = {}
        self.broken = ""
        self.trouble = ""

    async def start(self, peers: Sequence[TunnelPeer]) -> None:
        await self.apply(peers)

    async def apply(self, peers: Sequence[TunnelPeer]) -> None:
        self._fail()
        self.peers = {peer.key: peer for peer in peers}

    async def block(self, ranges: Sequence[Range]) -> None:
        self._fail()
        self.blocked = list(ranges)

    async def traffic(self) -> Mapping[str, PeerTraffic]:
        self._fail()
        return self.seen

    async def stop(self) -> None:
        self.peers = None

    def _fail(self) -> None:
        if self.broken:
            raise TunnelError(self.broken)
