from __future__ import annotations

from datetime import UTC, datetime, timedelta

from proxy.rate_limit import RateLimit


def test_one_passes_an_interval_and_the_first_at_once() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    seconds = iter([0, 1, 59, 60, 61, 119, 500])
    limit = RateLimit(lambda: start + timedelta(seconds=next(seconds)))
    assert [limit.due() for _ in range(7)] == [True, False, False, True, False, False, True]
