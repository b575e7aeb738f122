"""Keep the tunnel's kernel told which addresses are blocked, since it passes datagrams on without asking anybody."""

from __future__ import annotations

import asyncio

import structlog

from proxy.config.sections.wireguard import WireguardConfig
from proxy.policy import LivePolicy
from proxy.supervisor.tunnel_desk import TunnelDesk
from proxy.wireguard.blocked_addresses import MOST, Range, blocked_ranges

_LOOK = 1.0  # seconds

log = structlog.get_logger("tunnel")


class DatagramBlocks:
    """Follow the policy; tell the tunnel when something else is blocked."""

    def __init__(self, policy: LivePolicy, desk: TunnelDesk) -> None:
        self._policy = policy
        self._desk = desk
        self._done = -1  # the policy's epoch that the kernel goes by
        self._told: list[Range] = []

    @classmethod
    def needed(cls, tunnel: WireguardConfig, policy: LivePolicy, desk: TunnelDesk | None) -> list[DatagramBlocks]:
        """Return one where the kernel passes datagrams on, none elsewhere."""
        return [cls(policy, desk)] if desk and tunnel.by_kernel and tunnel.udp == "forward" else []

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_LOOK)

    async def look(self) -> None:
        """Look once. What fails is tried again at the next look."""
        await asyncio.to_thread(self._policy.load)
        self._policy.keep_time()
        epoch = self._policy.epoch
        if epoch == self._done:
            return
        ranges = await asyncio.to_thread(blocked_ranges, self._policy)
        if len(ranges) > MOST:
            log.warning("datagrams are not stopped at all blocked addresses", ranges=len(ranges), told=MOST)
        if ranges[:MOST] == self._told or await self._desk.block(ranges[:MOST]):
            self._done, self._told = epoch, ranges[:MOST]
