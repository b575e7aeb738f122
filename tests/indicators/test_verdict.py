from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from indicators.indicator import Indicator, Origin
from indicators.verdict import CLEAN, Match, Pending, Scope, Verdict
from indicators.words import Action, Category, IndicatorType, Severity

BAD = Indicator(
    "evil.example",
    IndicatorType.DOMAIN,
    Action.BLOCK,
    Origin("f", custom=False),
    Category.PHISHING,
    severity=Severity.HIGH,
)


def test_a_verdict_speaks_of_its_winner() -> None:
    match = Match(BAD, "www.evil.example", Scope.PARENT_DOMAIN, 2, Action.BLOCK)
    verdict = Verdict(Action.BLOCK, "listed", (match,))
    assert (verdict.winner, verdict.category, verdict.severity) == (BAD, Category.PHISHING, Severity.HIGH)
    assert match.specificity == (Scope.PARENT_DOMAIN, 2)


def test_nothing_known_has_no_winner_and_is_only_counted() -> None:
    assert (CLEAN.winner, CLEAN.category, CLEAN.severity) == (None, None, Severity.INFORMATIONAL)
    assert CLEAN.is_plain_allow
    assert not Verdict(Action.ALLOW, "judging failed", failed=True).is_plain_allow


@pytest.mark.parametrize(
    ("action", "final", "stops"),
    [
        (Action.BLOCK, True, True),
        (Action.WARN, True, True),
        (Action.BLOCK, False, False),
        (Action.AUDIT, True, False),
        (Action.ALLOW, True, False),
    ],
)
def test_only_a_final_block_or_warn_stops_a_connection(action: Action, final: bool, stops: bool) -> None:
    assert Verdict(action, "", final=final).stops is stops


WHOLE = Verdict(Action.BLOCK, "listed", (Match(BAD, "evil.example", Scope.EXACT_HOST, 2, Action.BLOCK),), alert=True)


@pytest.mark.parametrize(
    "read",
    [
        lambda one: one.reason,
        lambda one: one.matches,
        lambda one: one.winner,
        lambda one: one == WHOLE,
        hash,
        repr,
        copy.copy,
        lambda one: pickle.loads(pickle.dumps(one)),
        lambda one: replace(one, failed=True),
    ],
)
def test_pending_evidence_is_built_when_it_is_read_and_once(read: Callable[[Any], Any]) -> None:
    built: list[int] = []

    def build() -> Verdict:
        built.append(1)
        return WHOLE

    pending = Pending(Action.BLOCK, build, alert=True)
    assert (pending.stops, pending.is_plain_allow, pending.alert, pending.needs) == (True, False, True, None)
    with pytest.raises(AttributeError):
        pending.reasons  # type: ignore[attr-defined]  # noqa: B018
    assert not built
    assert read(pending) == read(WHOLE)
    assert read(pending) == read(pending)
    assert (type(pending), built) == (Verdict, [1])
    with pytest.raises(AttributeError):
        pending.reason = "changed"  # type: ignore[misc]
