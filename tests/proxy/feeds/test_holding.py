"""When a version is held: every rule at its edge."""

from __future__ import annotations

import pytest

from proxy.feeds.holding import why_held


@pytest.mark.parametrize(
    ("before", "after", "top", "why"),
    [
        (None, 0, (), "no usable entry"),
        (100, 0, (), "no usable entry"),
        (None, 1, ("github.com",), ""),
        (0, 10**6, ("github.com",), ""),  # nothing was there that could be lost or grow
        (100, 50, (), ""),
        (100, 49, (), "49 entries, less than half of the 100 before"),
        (101, 50, (), "less than half"),
        (100, 199, (), ""),
        (100, 200, (), "200 entries, at least twice the 100 before"),
        (10, 20, (), "at least twice"),
        (9, 18, (), ""),  # nine more are no news
        (3, 13, (), "at least twice"),
        (100, 100, ("github.com",), "lists github.com, which belongs to the 10,000 most used hosts"),
        (100, 100, tuple("gfedcba"), "lists a, b, c, d, e, …, which"),
    ],
)
def test_a_version_is_held_or_taken(before: int | None, after: int, top: tuple[str, ...], why: str) -> None:
    said = why_held(before, after, top)
    assert why in said
    assert bool(said) is bool(why)
