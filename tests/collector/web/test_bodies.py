"""Bodies of changes are bounded and must be JSON objects; calls are counted by minute and by hour."""

from __future__ import annotations

from datetime import timedelta

import pytest

from collector.web.errors import Refused
from collector.web.rates import Rate, Rates
from tests.collector.conftest import ADMIN, GATEWAY, NOW


async def _chunks():
    for _ in range(3):
        yield b" " * (1 << 19)


@pytest.mark.parametrize(
    ("data", "status"),
    [(b"{", 400), (b"[]", 400), (b"[" * 100_000, 400), (b" " * ((1 << 20) + 1), 413)],
    ids=["damaged", "list", "deep", "large"],
)
async def test_what_is_no_body(running, data, status):
    headers = {"Content-Type": "application/json"}
    assert (await running.ask("POST", "/api/indicators", ADMIN, data=data, headers=headers))[0] == status


async def test_a_body_of_unknown_length_is_bounded(running):
    headers = {"Content-Type": "application/json"}
    assert (await running.ask("POST", "/api/indicators", ADMIN, data=_chunks(), headers=headers))[0] == 413


def test_calls_are_counted_by_minute_and_by_hour():
    rates, rate = Rates(), Rate("x", 2, 3)
    for seconds in (0, 1, 61):
        rates.spend("me", rate, NOW + timedelta(seconds=seconds))
    with pytest.raises(Refused) as refused:
        rates.spend("me", rate, NOW + timedelta(seconds=130))
    assert (refused.value.status, refused.value.retry_after) == (429, 3470)
    rates.spend("me", rate, NOW + timedelta(hours=1))
    for number in range(1100):
        rates.spend(f"other {number}", rate, NOW)
    assert len(rates._calls) == 1024


async def test_what_no_database_keeps_comes_through_as_a_mark(on_either):
    status = {"gateway": "attic\0\ud800", "name": "a\0"}
    assert (await on_either.ask("POST", "/api/v1/gateways/status", GATEWAY, json=status))[0] == 204
    report = {"gateway": "g\0", "devices": [{"device": "\0", "score": 1, "protected": False}]}
    assert (await on_either.ask("POST", "/api/v1/coverage", GATEWAY, json=report))[0] in (204, 400)
    assert "attic\ufffd\ufffd" in (await on_either.ask("GET", "/metrics", ADMIN))[1]
