"""Rows of comma-separated feeds: where their columns come from, and rows that have none."""

from __future__ import annotations

import pytest

from indicators.feeds.entry import Skipped, Why
from indicators.feeds.tables import Row, read_rows

LAYOUTS = ("id,url,tag", "id,url")


def rows(*lines: str) -> list[Row | Why]:
    return [row.why if isinstance(row, Skipped) else row for _, _, row in read_rows(lines, LAYOUTS)]


def test_the_layout_follows_from_the_number_of_columns() -> None:
    assert rows("1,a,x", "2,b") == [{"id": "1", "url": "a", "tag": "x"}, {"id": "2", "url": "b"}]


@pytest.mark.parametrize("header", ["# id,tag,url", '# "id", "tag", "url"', "id,tag,url"])
def test_a_header_is_taken_from_a_comment_or_a_row(header: str) -> None:
    assert rows(header, '"1", "x", "a,""b"""') == [Why.COMMENT, {"id": "1", "tag": "x", "url": 'a,"b"'}]


def test_what_is_no_row() -> None:
    assert rows("", "# id", "# note, note", "1,2,3,4", "x" * 20000) == [
        Why.BLANK,
        Why.COMMENT,
        Why.COMMENT,
        Why.MALFORMED,
        Why.TOO_LONG,
    ]


def test_a_missing_value_is_empty() -> None:
    assert rows("1,None, n/a") == [{"id": "1", "url": "", "tag": ""}]
