"""Facts pushed by the collector: read into the overlay's words; what cannot be understood is named and left out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from indicators.overlay import DeviceRisk
from indicators.words import Action, Risk
from proxy.policy_stream.facts import PushedFacts
from proxy.policy_stream.told import Change

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def _facts(*changes, overrides=False):
    facts = PushedFacts(overrides=overrides)
    facts.take(Change(*change) for change in changes)
    return facts


def test_each_kind():
    until = (NOW + timedelta(hours=1)).isoformat()
    facts = _facts(
        ("indicator", "1", {"value": "evil.example", "action": "block", "title": "Ours", "severity": "high"}),
        ("approval", "ar", {"host": "x.example", "device": "d1", "until": until}),
        ("risk", "d1", {"level": "medium", "reasons": ["Malware (medium)"]}),
        ("group", "d2", {"group": "children"}),
    )
    block, allow = facts.indicators(NOW)
    assert (block.value, block.title, block.origin.source, block.origin.place) == (
        "evil.example", "Ours", "api", "indicator 1",
    )  # fmt: skip
    assert (allow.action, allow.devices, allow.expiration) == (
        Action.ALLOW, frozenset({"d1"}), NOW + timedelta(hours=1),
    )  # fmt: skip
    assert facts.risks() == {"d1": DeviceRisk(Risk.MEDIUM, ("Malware (medium)",))}
    assert facts.groups() == {"d2": "children"}
    assert list(facts.indicators(NOW + timedelta(hours=2))) == [block], "what has expired is gone"


def test_an_approval_may_be_for_everyone_and_says_so():
    until = (NOW + timedelta(hours=1)).isoformat()
    facts = _facts(
        ("indicator", "1", {"value": "evil.example", "action": "block"}),
        ("approval", "all", {"host": "evil.example", "everyone": True, "until": until}),
        ("approval", "odd", {"host": "evil.example", "everyone": 1, "device": "", "until": until}),
    )
    block, allow = facts.indicators(NOW)
    assert (block.action, allow.action, allow.devices, allow.value) == (
        Action.BLOCK, Action.ALLOW, frozenset(), "evil.example",
    )  # fmt: skip
    assert list(facts.misunderstood) == [("approval", "odd")]
    assert list(facts.indicators(NOW + timedelta(hours=2))) == [block]


@pytest.mark.parametrize("overrides", [False, True])
def test_pushed_indicators_yield_unless_the_policy_lets_them(overrides):
    facts = _facts(("indicator", "1", {"allow": "x.example"}), overrides=overrides)
    (found,) = facts.indicators(NOW)
    assert found.origin.yields is not overrides


def test_later_news_replace_and_take_back():
    facts = _facts(("risk", "d", {"level": "high"}), ("risk", "d", {"level": "low"}))
    assert facts.risks() == {"d": DeviceRisk(Risk.LOW)}
    facts.take([Change("risk", "d", None), Change("risk", "never", None)])
    assert facts.risks() == {}
    facts.take([Change("group", "d", {"group": "x"})])
    facts.clear()
    assert facts.groups() == {}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("indicator", {"value": "not a host!", "action": "block"}),
        ("indicator", {"value": "a.example", "action": "explode"}),
        ("approval", {"host": "a.example", "device": "d", "until": "2026-11-23T12:00:00"}),
        ("approval", {"host": "a.example", "device": "", "until": "2026-11-23T12:00:00Z"}),
        ("approval", {"host": "a.example", "device": "d"}),
        ("risk", {"level": "dire"}),
        ("risk", {"level": "low", "reasons": "x"}),
        ("group", {"group": 5}),
        ("spell", {}),
    ],
)
def test_what_cannot_be_understood_is_named_and_the_rest_stands(kind, body):
    facts = _facts((kind, "k", body), ("group", "d", {"group": "x"}))
    assert list(facts.indicators(NOW)) == []
    assert facts.groups() == {"d": "x"}
    assert [problem.split(":")[0] for problem in facts.misunderstood.values()] == [f"{kind} k"]
    facts.take([Change(kind, "k", None)])
    assert not facts.misunderstood
