"""The overlay's one writer: changes it, publishes each generation, and knows which workers hold which."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from indicators.indicator import Indicator
from indicators.overlay import Overlay
from proxy import published_overlay
from proxy.config.sections.groups import GroupConfig
from proxy.config_wire import groups_to_wire
from proxy.control import ControlError
from proxy.control.server import Peer
from proxy.overlay_store import OverlayStore

HOLD_TIMEOUT = 8.0  # seconds; shorter than a client's patience


@dataclass(frozen=True, slots=True)
class Saved:
    """Hold what `config.yaml` and its indicator files say now, as far as it is right: None keeps what was."""

    indicators: tuple[Indicator, ...] | None = None
    groups: Mapping[str, GroupConfig] | None = None


class OverlayDesk:
    """Change the overlay, one change at a time. `overlay` is the generation published last."""

    def __init__(self, store: OverlayStore, folder: Path, clock: Callable[[], datetime]) -> None:
        self.overlay = Overlay(0)
        self._store = store
        self._folder = folder
        self._clock = clock
        self._custom: tuple[Indicator, ...] = ()
        self._groups: dict[str, Any] | None = None
        self._one_at_a_time = asyncio.Lock()
        self._workers: dict[Peer, int] = {}  # those that enforce -> the generation they hold
        self._moved = asyncio.Condition()

    async def change(self, what: Callable[[OverlayStore], object]) -> int:
        """Apply a change in a thread, publish what came of it and return the new generation."""
        async with self._one_at_a_time:
            await asyncio.to_thread(what, self._store)
            await asyncio.to_thread(self._publish)
            return self.overlay.generation

    async def take(self, saved: Saved) -> int:
        """Publish what was saved in YAML: other custom indicators, other device groups, or both."""
        async with self._one_at_a_time:
            self._custom = self._custom if saved.indicators is None else saved.indicators
            self._groups = self._groups if saved.groups is None else groups_to_wire(saved.groups)
            await asyncio.to_thread(self._store.raise_generation)
            await asyncio.to_thread(self._publish)
            return self.overlay.generation

    async def until_held(self, generation: int) -> None:
        """Wait until every worker that enforces holds a generation. Raises ControlError when one does not in time."""
        try:
            async with asyncio.timeout(HOLD_TIMEOUT), self._moved:
                await self._moved.wait_for(lambda: all(held >= generation for held in self._workers.values()))
        except TimeoutError:
            slow = sorted({peer.role for peer, held in self._workers.items() if held < generation})
            raise ControlError(f"not in force everywhere yet: {', '.join(slow)} did not take it over") from None

    async def joined(self, peer: Peer) -> None:
        """Note a worker that enforces."""
        async with self._moved:
            self._workers[peer] = 0

    async def holding(self, peer: Peer, generation: int) -> None:
        """Note which generation a worker holds."""
        async with self._moved:
            if peer in self._workers:
                self._workers[peer] = max(generation, self._workers[peer])
            self._moved.notify_all()

    async def left(self, peer: Peer) -> None:
        """Forget a worker that has gone: nobody waits for it."""
        async with self._moved:
            self._workers.pop(peer, None)
            self._moved.notify_all()

    def held_by(self, peer: Peer) -> int | None:
        """Return the generation a worker holds; nothing for one that does not enforce."""
        return self._workers.get(peer)

    def _publish(self) -> None:
        overlay = replace(self._store.overlay(self._custom, self._clock()), device_groups=self._groups)
        published_overlay.publish(self._folder, overlay)
        self.overlay = overlay
