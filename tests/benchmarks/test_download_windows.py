"""The seconds of a download, and what is made of them."""

from __future__ import annotations

import socket

import pytest

from benchmarks.download_windows import Window, lowest_share, seconds_of
from benchmarks.harness import Missing


def seconds(*counts: int) -> list[Window]:
    return [Window(float(end), count) for end, count in enumerate(counts, 1)]


@pytest.mark.parametrize(
    ("counts", "began", "until", "share"),
    [
        ((9, 10, 20, 10, 10, 8, 10), 4.0, 7.0, 0.8),  # the median of three before: 10
        ((1, 10, 10, 10, 10, 10, 5), 4.5, 6.0, 1.0),  # what came after the time that counts, does not
        ((10, 10, 10, 0, 10), 3.0, 5.0, 0.0),
        ((10, 10, 10, 5, 5, 5, 5, 5), 3.0, 8.0, 0.5),  # a download that stays slow gets no new measure
    ],
)
def test_the_lowest_second_is_held_against_those_before(
    counts: tuple[int, ...], began: float, until: float, share: float
) -> None:
    assert lowest_share(seconds(*counts), began, until, 3) == share


@pytest.mark.parametrize(("began", "until"), [(2.5, 9.0), (5.0, 5.0)])
def test_too_few_seconds_are_not_taken_for_a_result(began: float, until: float) -> None:
    with pytest.raises(Missing, match="did not run"):
        lowest_share(seconds(10, 10, 10, 10, 10), began, until, 3)


def test_a_download_that_stood_still_before_is_no_measure() -> None:
    with pytest.raises(Missing, match="did not run"):
        lowest_share(seconds(0, 0, 0, 10), 3.0, 4.0, 3)


def test_a_second_in_which_nothing_comes_counts_too() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"x" * 500)
        found = seconds_of(ours)
        first, still = next(found), next(found)
        theirs.sendall(b"x" * 20)
        third = next(found)
        theirs.close()
        assert [first.count, still.count, third.count] == [500, 0, 20]
        assert [still.end - first.end, third.end - still.end] == pytest.approx([1, 1])
        assert list(found) == []
