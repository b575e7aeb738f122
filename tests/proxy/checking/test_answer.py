"""Answers as objects and as lines: the same, with every key, whatever the target's text is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indicators.indicator import Indicator, Origin
from indicators.verdict import CLEAN, Match, Scope, Verdict
from indicators.words import Action, Category, IndicatorType, Visibility
from proxy.checking.answer import Lines, answer, failure, stops

INDICATOR = Indicator(
    "evil.example", IndicatorType.DOMAIN, Action.WARN, Origin("custom", custom=True, place="c.yaml", line=7),
    category=Category.PHISHING, title="T",
)  # fmt: skip
MATCH = Match(INDICATOR, "www.evil.example", Scope.PARENT_DOMAIN, 2, Action.WARN, guard="g")
WARNED = Verdict(Action.WARN, "because", (MATCH,), final=False, needs=Visibility.URL)
AUDITED = Verdict(Action.ALLOW, "audit mode", (MATCH,), would=Action.WARN)


def test_an_answer_has_every_key() -> None:
    assert answer("www.evil.example", WARNED) == {
        "target": "www.evil.example", "action": "warn", "category": "phishing", "source": "custom",
        "indicator": "evil.example", "reason": "because", "final": False, "needs": "url", "would": None,
        "matches": [
            {
                "indicator": "evil.example", "type": "domain", "action": "warn", "category": "phishing",
                "source": "custom", "place": "c.yaml", "line": 7, "title": "T", "observable": "www.evil.example",
                "guard": "g",
            }
        ],
    }  # fmt: skip
    clean = answer("x", CLEAN)
    assert (clean["action"], clean["category"], clean["source"], clean["indicator"]) == ("allow", None, None, None)
    assert {*failure("x", "why")} == {*clean, "error"}


@given(st.lists(st.tuples(st.text(max_size=20), st.sampled_from([CLEAN, WARNED, AUDITED]))))
def test_a_line_says_what_the_object_says(targets: list[tuple[str, Verdict]]) -> None:
    """Each line is one line, and reads as the object of the same target and verdict."""
    lines = Lines()
    for target, verdict in targets:
        line = lines.of(target, verdict)
        assert "\n" not in line
        assert json.loads(line) == answer(target, verdict)


def test_a_failure_as_a_line() -> None:
    assert json.loads(Lines().of_failure("a\nb", "why")) == failure("a\nb", "why")


@pytest.mark.parametrize(("verdict", "expected"), [(CLEAN, False), (WARNED, True), (AUDITED, False)])
def test_what_stops(verdict: Verdict, expected: bool) -> None:
    assert stops(verdict) is expected
