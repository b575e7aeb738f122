"""Replace functions of mitmproxy, each once in a process, however often its seam is installed.

Used by the seams alone (`seams.py` and the files that name it). What is put in place is theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_done: set[tuple[object, str, object]] = set()


def wrap(owner: Any, name: str, by: Callable[[Any], Any]) -> None:
    """Put what `by` makes of a class's or module's function in its place, unless `by` has done so before.

    Several may wrap one function; the last stands outermost.
    """
    this = (owner, name, by)
    if this not in _done:
        _done.add(this)
        setattr(owner, name, by(getattr(owner, name)))
