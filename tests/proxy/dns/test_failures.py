"""Failures are kept for seconds, the latest counts, and the oldest gives way."""

from __future__ import annotations

import pytest

from proxy.dns import failures
from proxy.dns.answers import empty
from proxy.dns.codes import Rcode
from proxy.dns.failures import KEPT_FOR, RecentFailures

FIRST, SECOND = empty(Rcode.SERVFAIL), empty(Rcode.SERVFAIL)


def test_a_failure_is_kept_for_a_while_and_no_longer() -> None:
    kept = RecentFailures()
    kept.note(b"a", FIRST, 10.0)
    assert kept.of(b"a", 10.0 + KEPT_FOR - 0.1) is FIRST
    assert kept.of(b"a", 10.0 + KEPT_FOR) is None
    assert kept.of(b"b", 10.0) is None
    assert 1 <= KEPT_FOR <= 300, "RFC 9520, section 3.2"


def test_the_latest_counts_and_an_answer_ends_it() -> None:
    kept = RecentFailures()
    kept.note(b"a", FIRST, 10.0)
    kept.note(b"a", SECOND, 12.0)
    assert kept.of(b"a", 12.0 + KEPT_FOR - 0.1) is SECOND
    kept.forget(b"a")
    assert kept.of(b"a", 12.0) is None


def test_the_oldest_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "_MOST", 2)
    kept = RecentFailures()
    for name in (b"a", b"b", b"c"):
        kept.note(name, FIRST, 10.0)
    assert [kept.of(name, 10.0) is FIRST for name in (b"a", b"b", b"c")] == [False, True, True]
