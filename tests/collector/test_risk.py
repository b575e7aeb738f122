"""Risk follows the worst open alert; a prevented threat is none."""

from __future__ import annotations

from datetime import timedelta

import pytest

from collector.risk import is_active, risk_of, risk_score
from indicators.words import Risk, Severity
from tests.collector.conftest import NOW


@pytest.mark.parametrize(
    ("worst", "risk", "score"),
    [
        (None, Risk.NONE, "None"),
        (Severity.INFORMATIONAL, Risk.NONE, "Informational"),
        (Severity.LOW, Risk.LOW, "Low"),
        (Severity.MEDIUM, Risk.MEDIUM, "Medium"),
        (Severity.HIGH, Risk.HIGH, "High"),
    ],
)
def test_risk(worst, risk, score):
    assert (risk_of(worst), risk_score(worst)) == (risk, score)


def test_a_week_of_silence_is_inactive():
    week = timedelta(days=7)
    assert is_active(NOW - week + timedelta(milliseconds=1), NOW)
    assert not is_active(NOW - week, NOW)
