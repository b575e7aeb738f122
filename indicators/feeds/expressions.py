"""Expressions over host names, as feeds write them: which of them RE2 compiles, and at what cost.

RE2 matches in time linear in the name, whatever the expression; what it has no way to do (look-around, references back)
it refuses. An expression stands in a snapshot as text; whoever opens the snapshot compiles all of them as one set.
"""

from __future__ import annotations

import re2

MAX_LENGTH = 512  # characters
MAX_PROGRAM = 5000  # RE2 instructions, which is what an expression costs each reader in memory
MAX_EXPRESSIONS = 1000  # of one feed


def options() -> re2.Options:
    """Return how expressions are read: letter case does not count, and a line end is never matched."""
    found = re2.Options()
    found.case_sensitive = False
    found.never_nl = True
    found.never_capture = True
    found.log_errors = False
    return found


def compiled(text: str, *, per_line: bool = False) -> re2._Regexp[str] | None:
    """Compile one expression; nothing where RE2 refuses it, where it costs too much, or matches an empty name.

    With `per_line` it is looked up in many names at once, one a line.
    """
    if len(text) > MAX_LENGTH or not text.isascii() or not text.isprintable():
        return None
    try:
        found = re2.compile(f"(?m:{text})" if per_line else text, options())
    except re2.error:
        return None
    return None if found.programsize > MAX_PROGRAM or found.search("") else found
