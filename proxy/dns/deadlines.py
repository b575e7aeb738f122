"""Call what is not called off within one fixed time: all last equally long, so they end in order, by one timer."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable


class Deadline:
    """Hold what is to be done in the end; nothing once it is called off."""

    __slots__ = ("due", "until")

    def __init__(self, until: float, due: Callable[[], None]) -> None:
        self.until = until
        self.due: Callable[[], None] | None = due

    def call_off(self) -> None:
        """Do nothing in the end."""
        self.due = None


class Deadlines:
    """Keep deadlines that are all `seconds` away. Made in any loop, used in one."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._kept: deque[Deadline] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, due: Callable[[], None]) -> Deadline:
        """Call `due` in so many seconds, or a little later."""
        loop = asyncio.get_running_loop()
        one = Deadline(loop.time() + self._seconds, due)
        self._kept.append(one)
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._ring)
        return one

    def _ring(self) -> None:
        loop, kept = asyncio.get_running_loop(), self._kept
        self._timer = None
        now = loop.time()
        while kept and (kept[0].due is None or kept[0].until <= now):
            due = kept.popleft().due
            if due is not None:
                due()
        if kept and self._timer is None:
            self._timer = loop.call_later(max(kept[0].until - now, 0.001), self._ring)

    def close(self) -> None:
        """Call nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._kept.clear()
