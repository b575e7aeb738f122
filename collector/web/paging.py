"""Read `$top` and `$skip` as OData does, within bounds. Knows nothing of what is paged."""

from __future__ import annotations

from dataclasses import dataclass

from multidict import MultiMapping

from collector.web.errors import Refused

MOST = 10_000  # Defender's page
USUAL = 1_000
_FURTHEST = 10_000_000


@dataclass(frozen=True, slots=True)
class Page:
    """Say how many rows to give and how many to pass over."""

    top: int = USUAL
    skip: int = 0


def page_of(query: MultiMapping[str]) -> Page:
    """Read the page that a query asks for. Raises Refused (400) naming the parameter."""
    return Page(_number(query, "$top", USUAL, MOST), _number(query, "$skip", 0, _FURTHEST))


def _number(query: MultiMapping[str], name: str, default: int, most: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 12 and int(text) <= most):
        raise Refused(400, f"{name}: expected a whole number from 0 to {most}, got {text!r:.40}")
    return int(text)
