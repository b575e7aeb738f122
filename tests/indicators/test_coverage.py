"""The score of a device's coverage and its reasons, by table; each sign counts, and single signs end no protection."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indicators.coverage import Coverage, Seen, Sign, assess

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
JUST_NOW, LONG_AGO = NOW - timedelta(minutes=2), NOW - timedelta(hours=13)


@pytest.mark.parametrize(
    ("seen", "score", "says"),
    [
        (Seen(), 100, ""),
        (Seen(dns=JUST_NOW, connection=JUST_NOW), 100, ""),
        (Seen(in_tunnel=True, handshake=JUST_NOW), 100, ""),
        (Seen(in_tunnel=True), 100, ""),  # never heard of: it was not set up yet
        (Seen(handshake=LONG_AGO), 100, ""),  # it has no tunnel any more
        (Seen(in_tunnel=True, handshake=LONG_AGO), 40, "silent for 13 hours"),
        (Seen(dns=JUST_NOW), 60, "names alone"),
        (Seen(dns=JUST_NOW, connection=NOW - timedelta(hours=2)), 45, "its connections have stopped"),
        (Seen(dns=NOW - timedelta(hours=2), connection=LONG_AGO), 100, ""),  # it is off: no sign of another way
        (Seen(counts={Sign.UNNAMED: 20, Sign.CONNECTION: 100}), 75, "20 of 100 connections"),
        (Seen(counts={Sign.UNNAMED: 19, Sign.CONNECTION: 19}), 100, ""),
        (Seen(counts={Sign.UNNAMED: 20, Sign.CONNECTION: 101}), 100, ""),
        (Seen(counts={Sign.OTHER_VPN: 1}, examples={Sign.OTHER_VPN: ("mullvad.net",)}), 65, "VPNs were met: mullvad"),
        (Seen(counts={Sign.OTHER_VPN: 1}), 65, "names or ports of other VPNs were met"),
        (Seen(counts={Sign.OTHER_DNS: 3}, examples={Sign.OTHER_DNS: ("dns.google",)}), 80, "resolvers were met: dns"),
        (Seen(counts={Sign.ECH: 1}), 85, "Encrypted ClientHello"),
        (Seen(counts={Sign.MISMATCH: 1}), 90, "does not belong to their address"),
        (Seen(ca_refused=("a.example", "b.example")), 95, "not looked into: a.example, b.example"),
        (Seen(counts={Sign.CONNECTION: 1000}), 100, ""),
    ],
)
def test_each_sign(seen: Seen, score: int, says: str) -> None:
    found = assess(seen, NOW)
    assert found.score == score
    assert len(found.reasons) == (score < 100)
    assert says in "".join(found.reasons)


def test_several_signs_end_protection_and_the_heaviest_is_named_first() -> None:
    seen = Seen(dns=JUST_NOW, counts={Sign.OTHER_VPN: 2, Sign.MISMATCH: 1})
    found = assess(seen, NOW)
    assert (found.score, found.protected) == (15, False)
    assert ["names alone" in found.reasons[0], "VPN" in found.reasons[1]] == [True, True]


def test_protected_is_from_fifty() -> None:
    assert assess(Seen(counts={Sign.OTHER_VPN: 1, Sign.ECH: 1}), NOW) == Coverage(
        50,
        True,
        ("names or ports of other VPNs were met", "connections hid their name (Encrypted ClientHello)"),
    )


moments = st.none() | st.integers(0, 10_000).map(lambda minutes: NOW - timedelta(minutes=minutes))


@given(st.booleans(), moments, moments, moments, st.dictionaries(st.sampled_from(Sign), st.integers(0, 10**6)))
def test_a_score_is_explained(
    in_tunnel: bool,
    handshake: datetime | None,
    dns: datetime | None,
    connection: datetime | None,
    counts: dict[Sign, int],
) -> None:
    """A score is within 0 and 100, below 100 exactly where there are reasons, and a further sign never raises it."""
    seen = Seen(in_tunnel, handshake, dns, connection, counts)
    found = assess(seen, NOW)
    assert 0 <= found.score <= 100
    assert (found.score < 100) == bool(found.reasons)
    worse = Seen(in_tunnel, handshake, dns, connection, {**counts, Sign.OTHER_VPN: 1})
    assert assess(worse, NOW).score <= found.score
