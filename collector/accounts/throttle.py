"""Slow guessing down: after some failures a name, and an address, has to wait. In memory and bounded; pure."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta

_FREE = 5  # failures before anybody waits
_LONGEST = timedelta(minutes=15)
_MOST = 4096  # keys remembered


class Throttle:
    """Count failures by key; each one beyond the free ones doubles the wait, up to a quarter of an hour."""

    def __init__(self) -> None:
        self._failures: OrderedDict[str, tuple[int, datetime]] = OrderedDict()

    def wait(self, keys: tuple[str, ...], now: datetime) -> int:
        """Return how many seconds must pass before another try; 0 for none."""
        return max((self._left(key, now) for key in keys), default=0)

    def failed(self, keys: tuple[str, ...], now: datetime) -> None:
        """Count a failure of each key."""
        for key in keys:
            count, last = self._failures.pop(key, (0, now))
            fresh = now - last > _LONGEST * 2
            self._failures[key] = (1 if fresh else count + 1, now)
        while len(self._failures) > _MOST:
            self._failures.popitem(last=False)

    def passed(self, keys: tuple[str, ...]) -> None:
        """Forget the failures of each key."""
        for key in keys:
            self._failures.pop(key, None)

    def _left(self, key: str, now: datetime) -> int:
        count, last = self._failures.get(key, (0, now))
        if count < _FREE:
            return 0
        until = last + min(timedelta(seconds=2 ** min(count - _FREE + 1, 20)), _LONGEST)
        return max(0, -int((now - until).total_seconds() // 1))
