"""How often a complaint that could come by the thousand is made."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta


class RateLimit:
    """Let one through an interval; the first at once."""

    def __init__(self, clock: Callable[[], datetime], interval: timedelta = timedelta(minutes=1)) -> None:
        self._clock = clock
        self._interval = interval
        self._next: datetime | None = None

    def due(self) -> bool:
        """Say whether the next may pass, and note that it did."""
        now = self._clock()
        if self._next is not None and now < self._next:
            return False
        self._next = now + self._interval
        return True
