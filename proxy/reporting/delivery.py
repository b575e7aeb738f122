"""Delivery: takes events out of the spools and hands them to the collector, at least once, in order.

It neither makes nor changes an event. What the collector refuses for good goes to `rejected.ndjson` with the reason.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from proxy.reporting.outcome import CollectorPort, Delivered, Rejection, Retry
from proxy.reporting.tail import SpoolFolder

REJECTED = "rejected.ndjson"
POLL = 0.1  # seconds between looks into the spools; a look is a few reads of memory
_DEAD_EVERY = 10  # looks; what a dead process left is in more files, and nobody waits for it
_BATCH = 512 * 1024  # bytes
_MAX_BATCHED = 1000  # events
_FIRST_WAIT = 0.2  # seconds
_LONGEST_WAIT = 10.0
_BACKLOG = 200  # events in one look: more than a person's doing, so nobody waits for the next ones
_REST = 2.0  # times as long as the delivery of a backlog took: the embedded collector's work may not delay DNS answers
_MAX_REJECTED = 16 * 1024 * 1024  # bytes of rejected.ndjson

log = structlog.get_logger("delivery")


@dataclass(slots=True)
class DeliveryState:
    """Say how delivery goes, for status and panel."""

    delivered: int = 0
    rejected: int = 0
    trouble: str = ""  # why the last try failed; empty when it did not
    since: datetime | None = None  # when the trouble began


class Delivery:
    """Move events from the spools to one collector until cancelled."""

    def __init__(self, folder: Path, collector: CollectorPort, clock: Callable[[], datetime]) -> None:
        self.state = DeliveryState()
        self._folder = folder
        self._collector = collector
        self._clock = clock
        self._spools = SpoolFolder(folder)

    async def run(self) -> None:
        """Deliver what comes, for ever. After each part of a backlog the collector is left alone for a while."""
        loop = asyncio.get_running_loop()
        for look in itertools.count():
            began = loop.time()
            count = await self.deliver_next(abandoned=look % _DEAD_EVERY == 0)
            if count == 0:
                await asyncio.sleep(POLL)
            elif count >= _BACKLOG:
                await asyncio.sleep(_REST * (loop.time() - began))

    async def drain(self, seconds: float) -> None:
        """Deliver what is left, for so long at most; the rest waits for the next start."""
        try:
            async with asyncio.timeout(seconds):
                while await self.deliver_next():
                    pass
        except TimeoutError:
            log.warning("events wait for the next start", reason=self.state.trouble or "time is up")

    def close(self) -> None:
        """Let go of the spools."""
        self._spools.close()

    async def deliver_next(self, *, abandoned: bool = True) -> int:
        """Deliver one batch, however often it must be tried; return how many events it held."""
        batch = self._spools.take(_BATCH, abandoned=abandoned)
        for at in range(0, len(batch.payloads), _MAX_BATCHED):
            await self._hand_over(batch.payloads[at : at + _MAX_BATCHED])
        if batch.payloads or batch.tables:
            self._spools.acknowledge(batch)
        return len(batch.payloads)

    async def _hand_over(self, payloads: Sequence[bytes]) -> None:
        """Deliver or reject every payload; halve a batch that is too large or that cannot be read."""
        wait = _FIRST_WAIT
        while isinstance(outcome := await self._collector.deliver(payloads), Retry):
            self._note_trouble(outcome.reason)
            await asyncio.sleep(max(outcome.seconds, wait * random.uniform(0.5, 1.0)))  # noqa: S311 - jitter
            wait = min(wait * 2, _LONGEST_WAIT)
        self._note_success()
        if isinstance(outcome, Delivered):
            self.state.delivered += len(payloads) - len(outcome.rejected)
            self._reject(payloads, outcome.rejected)
        elif len(payloads) == 1:
            self._reject(payloads, (Rejection(0, getattr(outcome, "reason", "larger than the collector takes")),))
        else:
            middle = len(payloads) // 2
            await self._hand_over(payloads[:middle])
            await self._hand_over(payloads[middle:])

    def _reject(self, payloads: Sequence[bytes], rejected: Sequence[Rejection]) -> None:
        if not rejected:
            return
        self.state.rejected += len(rejected)
        log.error("the collector rejected events", count=len(rejected), reason=rejected[0].error, file=REJECTED)
        path = self._folder / REJECTED
        if path.exists() and path.stat().st_size > _MAX_REJECTED:
            return
        try:
            with path.open("a", encoding="utf-8") as file:
                for each in rejected:
                    event = payloads[each.index].decode("utf-8", "replace")
                    file.write(json.dumps({"error": each.error, "event": event}) + "\n")
        except OSError as error:
            log.warning("a rejected event cannot be kept", reason=str(error))

    def _note_trouble(self, reason: str) -> None:
        if self.state.trouble != reason:
            log.warning("events wait", reason=reason)
        self.state.since = self.state.since or self._clock()
        self.state.trouble = reason

    def _note_success(self) -> None:
        if self.state.trouble:
            log.info("events are delivered again")
        self.state.trouble, self.state.since = "", None
