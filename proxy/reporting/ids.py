"""Event and incident ids: ULIDs, 26 characters of Crockford's base 32 that sort by time and are read aloud easily."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM_BITS = 80
_PAIRS = tuple(first + second for first in _ALPHABET for second in _ALPHABET)  # the last ten bits, written
_STEPS = len(_PAIRS)


class IdSource:
    """Make ids that rise within this process and that no other process makes (70 random bits and a count).

    Ids of one millisecond differ in their last two characters, so that each of a burst costs next to nothing.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._head = 0  # the number without its last ten bits
        self._written = ""
        self._step = _STEPS

    def next(self) -> str:
        """Return the next id: 48 bits of milliseconds since 1970, then randomness."""
        return self._next(_milliseconds(self._clock()))

    def many(self, now: datetime, count: int) -> list[str]:
        """Return the next ids, all of one moment."""
        milliseconds = _milliseconds(now)
        return [self._next(milliseconds) for _ in range(count)]

    def _next(self, milliseconds: int) -> str:
        if milliseconds > self._head >> _RANDOM_BITS - 10:
            self._start((milliseconds << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)) >> 10)
        elif self._step == _STEPS:
            self._start(self._head + 1)
        self._step += 1
        return self._written + _PAIRS[self._step - 1]

    def _start(self, head: int) -> None:
        self._head = head
        self._written = "".join(_ALPHABET[head >> shift & 31] for shift in range(115, -1, -5))
        self._step = 0


def _milliseconds(now: datetime) -> int:
    return int(now.timestamp() * 1000)
