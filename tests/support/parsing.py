"""Short forms for the tests of parsers: outcomes as plain tuples."""

from __future__ import annotations

from pathlib import Path

from indicators.feeds.entry import Entry
from indicators.feeds.formats import FORMATS, recognise

SAMPLES = Path(__file__).parents[1] / "data" / "feeds"


def brief(format_: str, *lines: str) -> list[tuple[int, str, str]]:
    """Return (line, kind or reason, value or text) of each outcome; a kind has `!` for an exception, `=` for exact."""
    found = []
    for one in FORMATS[format_].parse(lines):
        if isinstance(one, Entry):
            marks = "!" * (one.action == "allow") + "=" * one.exact + ">" * one.rewrite + "?" * (one.action == "audit")
            found.append((one.line, one.type.value + marks, one.value))
        else:
            found.append((one.line, one.why.value, one.text))
    return found


def one(format_: str, line: str) -> tuple[str, str]:
    """Return the only outcome of a line, without its number."""
    outcomes = brief(format_, line)
    assert len(outcomes) == 1
    return outcomes[0][1:]


def entries(format_: str, file: str) -> list[tuple[int, str, str]]:
    """Return the entries of a sample file, after checking that its format is recognised."""
    lines = (SAMPLES / file).read_text().splitlines(keepends=True)
    assert recognise(lines) == format_
    return [found for found in brief(format_, *lines) if found[1].rstrip("!=>?") in KINDS]


KINDS = frozenset(("domain", "url", "ip", "sha256", "sha1", "md5", "certificate"))
