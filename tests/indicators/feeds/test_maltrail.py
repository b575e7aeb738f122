"""maltrail's trails: every kind that its lists hold."""

from __future__ import annotations

import pytest

from indicators.feeds.entry import Why
from tests.support.parsing import SAMPLES, brief, one


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("evil.example", ("domain", "evil.example")),
        ("*.evil.example", ("domain", "evil.example")),
        ("8.8.1.1", ("ip", "8.8.1.1")),
        ("8.8.1.1:8080", ("ip", "8.8.1.1")),
        ("http://8.8.1.1", ("ip", "8.8.1.1")),
        ("8.8.1.0/24 # note", ("ip", "8.8.1.0/24")),
        ("evil.example/path/gate.php?a=(b)", ("url", "evil.example/path/gate.php?a=(b)")),
        ("/gate.php?id=", (Why.PATTERN.value, "/gate.php?id=")),
        (r"(^|\.)dga[0-9]+\.example", (Why.PATTERN.value, r"(^|\.)dga[0-9]+\.example")),
        ("# Reference: x", (Why.COMMENT.value, "# Reference: x")),
    ],
)
def test_a_trail(line: str, found: tuple[str, str]) -> None:
    assert one("maltrail", line) == found


def test_the_sample() -> None:
    lines = (SAMPLES / "maltrail_trail.txt").read_text().splitlines()
    assert [found[:2] for found in brief("maltrail", *lines) if found[1] in ("domain", "url")] == [
        (4, "domain"),
        (8, "url"),
    ]
