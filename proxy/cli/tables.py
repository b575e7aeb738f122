"""One table for people. Cells are text, never markup, and cannot steer the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], styles: Mapping[str, str] = {}) -> None:
    """Print a table; a cell whose whole text is in `styles` is shown in that style."""
    made = Table()
    for heading in headings:
        made.add_column(heading, overflow="fold")
    for row in rows:
        made.add_row(*(Text(_plain(cell), style=styles.get(cell, "")) for cell in row))
    Console().print(made)


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() else "\ufffd" for char in text)
