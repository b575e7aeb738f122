"""What people and scripts are shown of a comparison."""

from __future__ import annotations

import json

import pytest

from benchmarks.harness import OURS, Comparison, Spread
from benchmarks.report import as_json, lines, number

SHOWN = Comparison(
    "answers", "queries/s", "high", {OURS: Spread((800.0, 1000.0)), "peer": Spread((1000.0, 2000.0))}, {"other": "gone"}
)


def test_people_see_both_values_the_ratio_and_what_is_missing() -> None:
    text = "\n".join(lines(SHOWN))
    assert "seawall  median 900  (800 .. 1,000, n=2)" in text
    assert "seawall / peer = 900 / 1,500 = 0.6  (by round 0.5 .. 0.8)" in text
    assert "other    not measured: gone" in text
    assert "more is better" in text


def test_scripts_get_every_value_in_one_line() -> None:
    text = as_json("dns", SHOWN)
    assert "\n" not in text
    document = json.loads(text)
    assert document["subjects"][OURS]["values"] == [800.0, 1000.0]
    assert document["ratios"]["peer"]["values"] == [0.8, 0.5]
    assert document["missing"] == {"other": "gone"}


@pytest.mark.parametrize(("value", "shown"), [(1234567.0, "1,234,567"), (99.6, "99.6"), (0.12345, "0.123")])
def test_numbers_have_three_digits_that_matter(value: float, shown: str) -> None:
    assert number(value) == shown
