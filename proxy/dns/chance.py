"""Random octets that nobody can guess, a few at a time: the system's generator is asked for many at once.

Ids and letter case take a few octets for each question, and each call of the system costs more than what is made of
them. No octet is given twice.
"""

from __future__ import annotations

import os
from collections.abc import Callable

_AT_ONCE = 8192  # octets


def chances(source: Callable[[int], bytes] = os.urandom) -> Callable[[int], bytes]:
    """Return a function that gives so many random octets. A process that forks must not share one with its child."""
    kept, at = b"", 0

    def take(count: int) -> bytes:
        nonlocal kept, at
        if at + count > len(kept):
            kept, at = source(max(_AT_ONCE, count)), 0
        at += count
        return kept[at - count : at]

    return take


chance = chances()
