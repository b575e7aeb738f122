"""Rounds, spreads and ratios, on values that are known."""

from __future__ import annotations

from benchmarks.harness import OURS, Comparison, Spread, interleave


def test_rounds_are_interleaved_and_every_second_one_goes_backwards() -> None:
    order: list[str] = []

    def probe(name: str) -> float:
        order.append(name)
        return float(len(order))

    found = interleave({name: lambda name=name: probe(name) for name in ("b", "a", "c")}, 3)
    assert "".join(order) == "bac" + "cab" + "bac"
    assert found["b"].values == (1.0, 6.0, 7.0)
    assert found["b"].median == 6.0
    assert (found["b"].low, found["b"].high) == (1.0, 7.0)


def test_a_ratio_is_taken_round_by_round() -> None:
    ours, theirs = Spread((10.0, 20.0, 90.0)), Spread((20.0, 40.0, 60.0))
    ratio = Comparison("x", "s", "low", {OURS: ours, "peer": theirs}).ratio("peer")
    assert ratio is not None
    assert ratio.values == (0.5, 0.5, 1.5)


def test_there_is_no_ratio_without_both_or_to_nothing() -> None:
    some = Spread((1.0,))
    assert Comparison("x", "s", "low", {OURS: some}).ratio("peer") is None
    assert Comparison("x", "s", "low", {"peer": some}).ratio("peer") is None
    assert Comparison("x", "s", "low", {OURS: some, "peer": Spread((0.0,))}).ratio("peer") is None
