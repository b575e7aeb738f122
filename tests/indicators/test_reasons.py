"""Reasons are for people: they name the indicator, where it stands, what it warns of and what policy did."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from indicators.indicator import Indicator, Origin
from indicators.reasons import Note, place, reason
from indicators.verdict import Match, Scope
from indicators.words import Action, Category, IndicatorType


def match(origin: Origin, action: Action = Action.BLOCK, guard: str = "") -> Match:
    one = Indicator("evil.example", IndicatorType.DOMAIN, action, origin, category=Category.PHISHING)
    return Match(one, "evil.example", Scope.EXACT_HOST, 2, action, guard)


@pytest.mark.parametrize(
    ("origin", "text"),
    [
        (Origin("custom", True, "config.yaml", 12), "config.yaml:12"),
        (Origin("custom", True, "kids.yaml"), "kids.yaml"),
        (Origin("api", True), "api"),
        (Origin("openphish", False, "openphish", 4), "the feed openphish"),
    ],
)
def test_place(origin: Origin, text: str) -> None:
    assert place(origin) == text


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (match(Origin("custom", True, "config.yaml", 12)), "evil.example is blocked by config.yaml:12 (Phishing)"),
        (match(Origin("custom", True, "a.yaml", 1), Action.ALLOW), "evil.example is allowed by a.yaml:1"),
        (match(Origin("f1", False), Action.WARN), "evil.example is warned of by the feed f1 (Phishing)"),
        (
            match(Origin("f1", False), Action.AUDIT, "lowered to audit: a top-ranked host"),
            "evil.example is audited by the feed f1 (Phishing); lowered to audit: a top-ranked host",
        ),
    ],
)
def test_winner(given: Match, text: str) -> None:
    assert reason([given]) == text


def test_notes_follow_and_a_pause_says_when_it_ends() -> None:
    until = datetime(2026, 5, 1, 14, 5, tzinfo=timezone(timedelta(hours=2)))
    text = reason([match(Origin("f1", False))], [Note.CONVERTED, Note.PAUSED], until)
    assert text.endswith(f"; {Note.CONVERTED}; let pass, because blocking is paused until 2026-05-01 12:05 UTC")
    assert reason([match(Origin("f1", False))], [Note.PAUSED], None).endswith("blocking is paused")


def test_nothing_met_is_said_so() -> None:
    assert reason([], [Note.URLS_UNDER]) == f"nothing known; {Note.URLS_UNDER}"
