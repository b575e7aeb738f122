"""What signs of a jailbreak are worth: never a finding, nothing from one look-up, more for a protocol than a visit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.jailbreak import UNNAMED, HintConfidence, SeenSign, hints_of
from indicators.device_signs import SignKind

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
K, H = SignKind, HintConfidence


def sign(kind: SignKind, count: int = 1, days: int = 0, store: str = "Sileo") -> SeenSign:
    return SeenSign(kind, store, count, NOW - timedelta(days=days), NOW)


@pytest.mark.parametrize(
    ("seen", "confidence"),
    [
        (sign(K.JAILBREAK_NAME), None),
        (sign(K.JAILBREAK_NAME, 50), None),
        (sign(K.JAILBREAK_NAME, 3, 1), H.LOW),
        (sign(K.JAILBREAK_CONNECTION), H.LOW),
        (sign(K.JAILBREAK_CONNECTION, 2, 1), H.LOW),
        (sign(K.JAILBREAK_CONNECTION, 3, 1), H.MEDIUM),
        (sign(K.JAILBREAK_AGENT), H.HIGH),
        (sign(K.JAILBREAK_PROTOCOL, 7), H.HIGH),
        (sign(K.CAPTIVE_CHECK, 9, 9), None),
    ],
)
def test_what_each_sign_is_worth(seen: SeenSign, confidence: HintConfidence | None) -> None:
    assert [hint.confidence for hint in hints_of([seen])] == ([confidence] if confidence else [])


def test_a_store_is_shown_once_with_its_best_reason_the_best_founded_first() -> None:
    found = hints_of(
        [
            sign(K.JAILBREAK_CONNECTION),
            sign(K.JAILBREAK_PROTOCOL),
            sign(K.JAILBREAK_CONNECTION, store="Cydia"),
            sign(K.JAILBREAK_CONNECTION, store=""),
        ]
    )
    assert [(hint.store, hint.confidence) for hint in found] == [("Sileo", H.HIGH), ("Cydia", H.LOW), (UNNAMED, H.LOW)]
    assert "package manager" in found[0].why


@given(st.lists(st.sampled_from(["Sileo", "Cydia", "Zebra"]), unique=True))
def test_look_ups_of_one_day_are_no_hint(stores: list[str]) -> None:
    """However many stores are looked up, a single look-up of each shows nothing."""
    assert hints_of(sign(K.JAILBREAK_NAME, store=store) for store in stores) == []
