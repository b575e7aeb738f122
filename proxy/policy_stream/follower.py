"""Follow the stream: ask, put in force, ask onward. The overlay's one writer applies each answer whole.

Asking onward tells the collector that everything before is in force, so it is done only when every process that
enforces holds it. While the collector cannot be reached, what it told last stays.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from proxy.control import ControlError
from proxy.overlay_store import OverlayStore
from proxy.policy_stream.client import StreamError
from proxy.policy_stream.told import Told

_FIRST_WAIT = 0.5  # seconds
_LONGEST_WAIT = 10.0
_TOLD_PER_AGE = 4  # how often within `risk_max_age` the time of the last word is published

log = structlog.get_logger("policy")


class Source(Protocol):
    """Answer what follows a number."""

    async def ask(self, stream: str, after: int) -> Told:
        """Return what follows; raises StreamError."""
        ...


class Desk(Protocol):
    """Change the overlay, and know who holds which generation (`proxy.supervisor.overlay_desk`)."""

    async def change(self, what: Callable[[OverlayStore], object]) -> int:
        """Apply a change and return the new generation."""
        ...

    async def until_held(self, generation: int) -> None:
        """Wait until every worker holds a generation; raises ControlError."""
        ...


@dataclass(slots=True)
class FollowerState:
    """Say how the stream goes, for the status."""

    last: int = 0
    heard: datetime | None = None
    trouble: str = ""


class PolicyFollower:
    """Keep the overlay as the collector says, until cancelled."""

    def __init__(
        self,
        source: Source,
        desk: Desk,
        store: OverlayStore,
        clock: Callable[[], datetime],
        max_age: timedelta,
    ) -> None:
        self.state = FollowerState()
        self._source = source
        self._desk = desk
        self._store = store
        self._clock = clock
        self._tell_every = max_age / _TOLD_PER_AGE
        self._published: datetime | None = None

    async def follow(self) -> None:
        """Follow for ever; a failure is told once, and tried again."""
        wait = _FIRST_WAIT
        while True:
            try:
                await self.once()
                wait = _FIRST_WAIT
            except StreamError as error:
                self._note_trouble(str(error))
                await asyncio.sleep(wait)
                wait = min(wait * 2, _LONGEST_WAIT)

    async def once(self) -> None:
        """Ask once and put the answer in force. Raises StreamError."""
        stream, after = self._store.pushed_position()
        told = await self._source.ask(stream, after)
        now = self._clock()
        if self.state.trouble:
            log.info("the collector's policy is followed again")
        self.state.trouble, self.state.heard = "", now
        if told.changes or told.reset or told.last != after:
            await self._apply(told, now)
        elif self._published is None or now - self._published >= self._tell_every:
            await self._desk.change(lambda store: store.heard(now))
            self._published = now
        self.state.last = told.last

    async def _apply(self, told: Told, now: datetime) -> None:
        generation = await self._desk.change(lambda store: store.push(told, now))
        self._published = now
        if told.changes:
            log.info("the collector changed the policy", changes=len(told.changes), last=told.last)
        for problem in self._store.misunderstood():
            log.warning("something the collector told cannot be used", reason=problem)
        try:
            await self._desk.until_held(generation)
        except ControlError as error:
            log.warning("the collector's policy is late", reason=str(error))

    def _note_trouble(self, trouble: str) -> None:
        if trouble != self.state.trouble:
            log.warning("the collector's policy cannot be followed; what it told last stays", reason=trouble)
        self.state.trouble = trouble
