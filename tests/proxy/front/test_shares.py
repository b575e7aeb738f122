from __future__ import annotations

import pytest

from proxy.front.shares import Shares, client_of


@pytest.mark.parametrize(
    ("held", "taken", "beyond"),
    [(13, 12, False), (13, 13, True), (5, 13, True), (4, 13, False), (1, 16, False), (0, 17, False)],
)
def test_a_share_counts_only_when_few_places_are_left(held: int, taken: int, beyond: bool) -> None:
    shares = Shares(16)
    for _ in range(held):
        shares.take("192.0.2.1")
    assert shares.is_beyond("192.0.2.1", taken) is beyond
    assert not shares.is_beyond("192.0.2.2", taken)


def test_who_leaves_has_its_place_no_more_and_is_forgotten_with_the_last() -> None:
    shares = Shares(4)
    leaving = [shares.take("192.0.2.1") for _ in range(3)]
    assert shares.is_beyond("192.0.2.1", 4)
    for left, leave in zip((2, 1, 0), leaving, strict=True):
        leave()
        assert shares.is_beyond("192.0.2.1", 4) is (left > 1)
    assert shares._held == {}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8::1", "2001:db8:0:0::1", True),
        ("2001:db8::1", "2001:db8::2", False),
        ("fe80::1%eth0", "fe80::1%eth1", False),
        ("", "", True),
        ("", "192.0.2.1", False),
    ],
)
def test_clients_are_told_apart(one: str, other: str, same: bool) -> None:
    assert (client_of(one) == client_of(other)) is same
