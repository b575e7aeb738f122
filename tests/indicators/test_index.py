"""Counts of an index add up."""

from __future__ import annotations

from indicators.index import IndexCounts


def test_total() -> None:
    assert IndexCounts(1, 2, 4, 8, 16).total == 31
    assert IndexCounts().total == 0
