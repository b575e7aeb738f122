"""The tunnel as the supervisor has it: what carries it, what devices are told, and which of their keys are kept.

Without a backend (no gateway runs, or it has not started yet) changes wait in the registry, which the backend starts
with. A backend that fails does not undo a change of the registry: what the front and DNS know counts at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from proxy.config.model import Config
from proxy.devices.record import DeviceRecord
from proxy.state import StateDir
from proxy.wireguard.backend import TunnelBackend, TunnelError, peers_of
from proxy.wireguard.blocked_addresses import Range
from proxy.wireguard.keys import KeptKeys, server_keys
from proxy.wireguard.terms import Terms
from proxy.wireguard.userspace.server_key import own_keys

_WITHIN = 10.0  # seconds that the backend may take for a change

log = structlog.get_logger("tunnel")


class TunnelDesk:
    """Hold the tunnel of one gateway."""

    def __init__(self, terms: Terms, kept: KeptKeys, backend: TunnelBackend | None = None) -> None:
        self.terms = terms
        self.kept = kept
        self._backend = backend
        self._started = False
        self._trouble = ""

    @classmethod
    def of(cls, config: Config, state: StateDir, backend: TunnelBackend | None = None) -> TunnelDesk | None:
        """Return the tunnel of a configuration; nothing where it is off. Raises as `server_keys`."""
        if not config.wireguard.enabled:
            return None
        keys = server_keys(state)
        terms = Terms(config.wireguard, keys.public, lambda device: own_keys(keys, device).public)
        return cls(terms, KeptKeys(state), backend)

    @property
    def trouble(self) -> str:
        """Say what is wrong with the tunnel; empty when all is well."""
        return self._trouble or (self._backend.trouble if self._backend and self._started else "")

    async def start(self, records: Sequence[DeviceRecord]) -> None:
        """Start the backend with the registry's devices. Raises TunnelError."""
        if self._backend:
            await self._backend.start(peers_of(records))
            self._started = True

    async def apply(self, records: Sequence[DeviceRecord]) -> None:
        """Have the registry's devices as peers. What fails is told by `trouble`, and mended by the next change."""
        if self._backend is None or not self._started:
            return
        try:
            async with asyncio.timeout(_WITHIN):
                await self._backend.apply(peers_of(records))
            self._trouble = ""
        except (TunnelError, TimeoutError) as error:
            self._trouble = f"the tunnel's peers are not those of the registry: {error or 'it does not answer'}"
            log.warning("the tunnel could not be changed", reason=self._trouble)

    async def block(self, ranges: Sequence[Range]) -> bool:
        """Have no datagrams pass to these addresses; say whether that is so now."""
        if self._backend is None or not self._started:
            return False
        try:
            await self._backend.block(ranges)
        except TunnelError as error:
            log.warning("the tunnel was not told which addresses are blocked", reason=str(error))
            return False
        return True

    async def traffic(self) -> Mapping[str, Mapping[str, Any]]:
        """Return what the tunnel knows of each peer, by public key, as JSON values; nothing where it cannot tell."""
        if self._backend is None or not self._started:
            return {}
        try:
            async with asyncio.timeout(_WITHIN):
                return {key: found.to_json() for key, found in (await self._backend.traffic()).items()}
        except (TunnelError, TimeoutError) as error:
            log.warning("the tunnel does not tell of its peers", reason=str(error) or "it does not answer")
            return {}

    async def stop(self) -> None:
        """Stop the backend."""
        self._started = False
        if self._backend:
            await self._backend.stop()
