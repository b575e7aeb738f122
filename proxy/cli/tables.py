"""Tables and sheets for people. Cells are text, never markup, and cannot steer the terminal."""

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


def sheet(pairs: Iterable[tuple[str, str]], styles: Mapping[str, str] = {}) -> None:
    """Print one thing's parts, a line each: nothing is squeezed into columns that the terminal has no room for."""
    made = Table.grid(padding=(0, 2))
    made.add_column()
    made.add_column(overflow="fold")
    for name, value in pairs:
        made.add_row(Text(name, style="bold"), Text(_plain(value), style=styles.get(value, "")))
    Console().print(made)


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() else "\ufffd" for char in text)
