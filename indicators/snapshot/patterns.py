"""The expressions of a snapshot: all compiled as RE2 sets when it is opened, asked with one host at a time."""

from __future__ import annotations

from collections.abc import Sequence

import re2

from indicators.feeds.expressions import options

_EACH = 100  # expressions in one set: an automaton of many grows with their product
_MEMORY = 32 << 20  # bytes that the automaton of one set may grow to; it is only made for hosts that are asked


class Patterns:
    """Say which expressions a host meets."""

    __slots__ = ("_sets", "texts")

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = tuple(texts)
        self._sets = [(first, _set(texts[first : first + _EACH])) for first in range(0, len(texts), _EACH)]

    def meeting(self, host: str) -> list[int]:
        """Return the numbers of the expressions that a canonical host meets, ascending."""
        return sorted(first + at for first, one in self._sets for at in one.Match(host) or ())


def _set(texts: Sequence[str]) -> re2.Set:
    how = options()
    how.max_mem = _MEMORY
    made = re2.Set.SearchSet(how)
    for text in texts:
        made.Add(text)
    made.Compile()
    return made
