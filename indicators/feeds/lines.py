"""What all line formats share: lines without their ends, marks and comments, and defanged text made whole again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from indicators.feeds.entry import Skipped, Why, skip

MAX_LINE = 16384  # characters; the longest URL that browsers and lists agree on is shorter

_COMMENT = ("#", "!", ";", "//")
_DOT = re.compile(r"\s?[\[({]\s?(?:\.|dot)\s?[\])}]\s?", re.IGNORECASE)
_COLON = re.compile(r"[\[({]:(?://)?[\])}]")


def content(lines: Iterable[str]) -> Iterator[tuple[int, str, Skipped | None]]:
    """Yield (line number, text, nothing) for each line with content, (number, text, Skipped) for each other line.

    The byte order mark, the line's end and blanks around it are gone. A comment begins with `#`, `!`, `;` or `//`.
    """
    for number, raw in enumerate(lines, 1):
        text = raw.strip("\ufeff\x00 \t\r\n\x0b\x0c\x1a")
        if not text:
            yield number, text, Skipped(number, "", Why.BLANK)
        elif text.startswith(_COMMENT):
            yield number, text, skip(number, text, Why.COMMENT)
        elif len(text) > MAX_LINE:
            yield number, text, skip(number, text, Why.TOO_LONG)
        else:
            yield number, text, None


def without_comment(text: str) -> str:
    """Return a line without a comment behind it; the mark must follow a blank, because `#` may be part of a URL."""
    if "#" not in text and ";" not in text:
        return text
    return re.split(r"\s[#;]", text, maxsplit=1)[0].rstrip()


def refang(text: str) -> str:
    """Undo the usual ways of making an indicator harmless: `hxxp`, `[.]`, `(dot)`, `[:]`, `[://]`.

    Brackets of an IPv6 host stay.
    """
    if "[" in text or "(" in text or "{" in text:
        text = _DOT.sub(".", text)
        text = _COLON.sub(lambda found: found[0][1:-1], text)
    if text[:1] in "hH" and text[1:3].lower() in ("xx", "**"):
        text = "http" + text[4:]
    return text
