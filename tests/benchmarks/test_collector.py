"""The collector's benchmark says who met its goals, and which page was slowest."""

from __future__ import annotations

from benchmarks.collector import _judged, _slowest


def test_who_met_a_goal_is_said_in_words() -> None:
    told = _judged("under 200 ms", {"seawall": True, "seawall on postgresql": False}, {"seawall": " (/alerts)"})
    assert told == "goal under 200 ms: PASS seawall (/alerts), FAIL seawall on postgresql."


def test_the_slowest_page_is_so_by_the_median_of_the_rounds() -> None:
    rounds = [{"pages": {"/": 900.0, "/alerts": 90.0}}, {"pages": {"/": 10.0, "/alerts": 80.0}}]
    rounds.append({"pages": {"/": 20.0, "/alerts": 85.0}})
    assert _slowest(rounds) == "/alerts"
