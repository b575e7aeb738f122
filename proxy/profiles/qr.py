"""QR codes of configurations, for a terminal and for a page. The text goes in verbatim, as WireGuard's apps read it."""

from __future__ import annotations

import io

import segno


def for_terminal(text: str) -> str:
    """Return a code of half-height blocks; the lowest error correction keeps it on a small screen."""
    held = io.StringIO()
    _code(text).terminal(out=held, compact=True)
    return held.getvalue()


def as_svg(text: str) -> str:
    """Return a code as an SVG element, for pages and files."""
    held = io.BytesIO()
    _code(text).save(held, kind="svg", scale=4, xmldecl=False, svgns=True)
    return held.getvalue().decode("utf-8")


def _code(text: str) -> segno.QRCode:
    return segno.make(text, error="l", micro=False)
