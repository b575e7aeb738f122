"""Keep what was costly to find out for a while, in proportion to its cost. Cheap answers are always fresh.

With a hundred open consoles that ask again at each change, what took 100 ms is asked for every two seconds at most.
When its time is over, the next to ask still gets it while it is found anew: who shows an answer says of when it is.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, NamedTuple

_LOG = logging.getLogger(__name__)
_TIMES = 20.0  # an answer holds for so many times what it cost
_WORTH = 0.02  # seconds; what is cheaper is not kept
_LONGEST = 60.0  # seconds
_STALE = 60.0  # seconds after which an answer is too old to be given while another is found
_MOST = 32  # answers


class _Kept(NamedTuple):
    until: float
    answer: Any


class Remembered:
    """Answer from memory while an answer holds. `clock` counts seconds and never goes back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._answers: dict[Hashable, _Kept] = {}
        self._finding: dict[Hashable, asyncio.Task[Any]] = {}

    async def get[T](self, key: Hashable, find: Callable[[], Awaitable[T]]) -> T:
        """Return what `find` finds, or found lately."""
        held, answer = self._held(key, find)
        found: T = answer if held else await asyncio.shield(self._task(key, find))
        return found

    def _held(self, key: Hashable, find: Callable[[], Awaitable[Any]]) -> tuple[bool, Any]:
        """Say whether there is an answer to give, and which; have it found anew where its time is over."""
        kept, now = self._answers.get(key), self._clock()
        if kept is None or now >= kept.until + _STALE:
            return False, None
        if now >= kept.until:
            self._task(key, find)
        return True, kept.answer

    def _task[T](self, key: Hashable, find: Callable[[], Awaitable[T]]) -> asyncio.Task[T]:
        """Return the search that is under way, for all who ask; begin one where there is none."""
        if key not in self._finding:
            task = self._finding[key] = asyncio.create_task(self._found(key, find))
            task.add_done_callback(lambda done: self._ended(key, done))
        return self._finding[key]

    async def _found[T](self, key: Hashable, find: Callable[[], Awaitable[T]]) -> T:
        began = self._clock()
        found = await find()
        cost = self._clock() - began
        self._answers.pop(key, None)
        if cost >= _WORTH:
            self._answers[key] = _Kept(self._clock() + min(cost * _TIMES, _LONGEST), found)
            while len(self._answers) > _MOST:
                del self._answers[next(iter(self._answers))]
        return found

    def _ended(self, key: Hashable, task: asyncio.Task[Any]) -> None:
        self._finding.pop(key, None)
        if not task.cancelled() and (error := task.exception()):
            _LOG.error("an answer could not be found anew; an old one stands for a while", exc_info=error)
