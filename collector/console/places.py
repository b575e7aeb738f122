"""Read where a page of a long list begins: the row after which it goes on. Keyset pages: page 1,000 is as fast as 1."""

from __future__ import annotations

from datetime import UTC, datetime

from aiohttp import web

from collector.web.errors import Refused


def number_after(request: web.Request) -> int | None:
    """Return the row number in `after`, or nothing for the first page. Raises Refused (400)."""
    text = request.query.get("after")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Refused(400, "after: this page's address is wrong; go back to the first page")
    return int(text)


def moment_after(request: web.Request) -> tuple[datetime, int] | None:
    """Return time and row number in `after` (milliseconds, a dash, the number). Raises Refused (400)."""
    text = request.query.get("after")
    if text is None:
        return None
    when, _, seq = text.partition("-")
    if not (when.isascii() and when.isdigit() and seq.isascii() and seq.isdigit() and len(text) < 40):
        raise Refused(400, "after: this page's address is incomplete; go back to the first page")
    try:
        return datetime.fromtimestamp(int(when) / 1000, UTC), min(int(seq), 2**62)
    except (OverflowError, ValueError, OSError):
        raise Refused(400, "after: this page's address is wrong; go back to the first page") from None


def spelt(when: datetime, seq: int) -> str:
    """Write a place as `moment_after` reads it."""
    return f"{when.timestamp() * 1000:.0f}-{seq}"
