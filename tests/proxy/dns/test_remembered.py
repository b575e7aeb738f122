"""Remembered verdicts: one judgement for the questions of a moment, none that outlives its policy."""

from __future__ import annotations

import pytest

from indicators.observation import Device, Observation
from indicators.verdict import Verdict
from indicators.words import Action, Stage
from proxy.dns import remembered
from proxy.dns.remembered import HOLDS, RememberedVerdicts
from tests.support.resolver import BLOCK_EVIL, TestPolicy


def seen(host: str = "evil.example", device: str = "d") -> Observation:
    return Observation(Stage.DNS, Device(device, device), (host,))


def test_one_name_is_judged_once_a_moment() -> None:
    policy = TestPolicy(BLOCK_EVIL)
    verdicts = RememberedVerdicts(policy)
    assert verdicts.on(seen(), 0.0).stops
    assert verdicts.on(seen(), HOLDS - 0.01).stops
    assert len(policy.judged) == 1
    verdicts.on(seen(), HOLDS)
    assert len(policy.judged) == 2


def test_names_and_devices_are_kept_apart() -> None:
    policy = TestPolicy(BLOCK_EVIL)
    verdicts = RememberedVerdicts(policy)
    assert verdicts.on(seen(), 0.0).stops
    assert not verdicts.on(seen("good.example"), 0.0).stops
    verdicts.on(seen(device="other"), 0.0)
    assert len(policy.judged) == 3


def test_another_epoch_is_judged_anew() -> None:
    policy = TestPolicy(BLOCK_EVIL)
    verdicts = RememberedVerdicts(policy)
    assert verdicts.on(seen(), 0.0).stops
    policy.set()
    assert not verdicts.on(seen(), 0.0).stops


def test_what_failed_is_not_remembered() -> None:
    class Failing(TestPolicy):
        def judge(self, seen: Observation) -> Verdict:
            self.judged.append(seen)
            return Verdict(Action.BLOCK, "judging failed", failed=True)

    policy = Failing()
    verdicts = RememberedVerdicts(policy)
    for _ in range(2):
        verdicts.on(seen(), 0.0)
    assert len(policy.judged) == 2


def test_it_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "_LIMIT", 3)
    policy = TestPolicy()
    verdicts = RememberedVerdicts(policy)
    for number in range(10):
        verdicts.on(seen(f"n{number}.example"), 0.0)
    verdicts.on(seen("n0.example"), 0.0)
    assert len(policy.judged) == 11
