"""PhishTank's CSV and JSON."""

from __future__ import annotations

from indicators.feeds.entry import Why
from tests.support.parsing import brief, entries


def test_the_samples() -> None:
    assert entries("phishtank_csv", "phishtank_online-valid.csv") == [(2, "url", "login.example/a,b?x=1")]
    assert entries("phishtank_json", "phishtank_online-valid.json") == [(1, "url", "login.example/a")]


def test_rows_and_records_without_a_url() -> None:
    assert brief("phishtank_csv", "1,nothing,x,y,yes,z,yes,Other")[0][1] == Why.NO_DOT.value
    assert [found[1] for found in brief("phishtank_json", '[{"url": 1}, 2]')] == [
        Why.NOT_A_URL.value,
        Why.MALFORMED.value,
    ]
