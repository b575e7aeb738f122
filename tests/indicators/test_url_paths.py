"""The URL indicators of one host: those that stand for their kind live longest, so none in force is hidden."""

from __future__ import annotations

from datetime import UTC, datetime

from indicators.indicator import Indicator, Origin
from indicators.url_paths import UrlPaths
from indicators.words import Action, IndicatorType


def at(path: str, action: Action = Action.BLOCK, year: int = 0, source: str = "custom", group: str = "") -> Indicator:
    return Indicator(
        "h.example" + path,
        IndicatorType.URL,
        action,
        Origin(source, custom=source == "custom"),
        expiration=datetime(year, 1, 1, tzinfo=UTC) if year else None,
        device_groups=frozenset([group] if group else []),
    )


def test_longest_lived_represents() -> None:
    paths = UrlPaths([at("/b", year=2030), at("/a", year=2031), at("/c", year=2029)])
    assert [one.value for one in paths.representatives] == ["h.example/a"]
    forever = UrlPaths([at("/a", year=2031), at("/d"), at("/b", year=2030)])
    assert [one.value for one in forever.representatives] == ["h.example/d"]


def test_each_kind_is_represented_strongest_first() -> None:
    paths = UrlPaths([at("/a", Action.ALLOW), at("/b"), at("/c", source="f1"), at("/d", group="kids"), at("/e")])
    assert [one.action for one in paths.representatives] == [Action.BLOCK] * 3 + [Action.ALLOW]
    assert {one.origin.source for one in paths.representatives} == {"custom", "f1"}
    assert {one.device_groups for one in paths.representatives} == {frozenset(), frozenset({"kids"})}


def test_covering_is_longest_first() -> None:
    paths = UrlPaths([at("/a"), at("/a/b"), at("/a/b/c/d"), at("/a/b", Action.ALLOW)])
    assert [(length, one.action) for length, one in paths.covering("/a/b/c?x")] == [
        (4, Action.BLOCK),
        (4, Action.ALLOW),
        (2, Action.BLOCK),
    ]
