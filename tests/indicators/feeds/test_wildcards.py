"""Wildcard lists: what an asterisk covers, and what a bare name does."""

from __future__ import annotations

import pytest

from indicators.feeds.entry import Why
from tests.support.parsing import one


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("*.evil.example", ("domain", "evil.example")),
        ("*.Evil.Example. # note", ("domain", "evil.example")),
        ("evil.example", ("domain=", "evil.example")),
        ("*.1.13.187.97", ("ip", "1.13.187.97")),
        ("ads*.example.com", (Why.PATTERN.value, "ads*.example.com")),
        ("*.*.example", (Why.PATTERN.value, "*.*.example")),
        ("# note", (Why.COMMENT.value, "# note")),
    ],
)
def test_a_wildcard_covers_the_name_and_a_bare_name_stands_alone(line: str, found: tuple[str, str]) -> None:
    assert one("wildcards", line) == found
