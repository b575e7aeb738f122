"""The gateway's own addresses and its resolvers are taken out of every feed, and nothing else is."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indicators.feeds.entry import Entry, Outcome, Skipped, Why
from indicators.feeds.spared import spared
from indicators.words import Action, IndicatorType


def entry(value: str, **more: object) -> Entry:
    return Entry(4, IndicatorType.IP, value, **more)  # type: ignore[arg-type]


def values(outcomes: list[Outcome]) -> list[str]:
    return [one.value for one in outcomes if isinstance(one, Entry)]


@pytest.mark.parametrize(
    ("value", "own", "left"),
    [
        ("8.8.1.0/30", ["8.8.1.1"], ["8.8.1.0", "8.8.1.2/31"]),
        ("8.8.1.0/30", ["8.8.2.1", "2001:db8::1"], ["8.8.1.0/30"]),
        ("8.8.1.0/31", ["8.8.1.0", "8.8.1.1"], []),
        ("8.8.1.1", ["::ffff:8.8.1.1"], []),
        ("2a00:1::/127", ["2a00:1::1"], ["2a00:1::"]),
        ("8.8.1.1", [], ["8.8.1.1"]),
    ],
)
def test_own_addresses_are_taken_out(value: str, own: list[str], left: list[str]) -> None:
    assert values(list(spared([entry(value)], own))) == left


def test_an_own_address_is_skipped_with_its_reason() -> None:
    assert list(spared([entry("8.8.1.1")], ["8.8.1.1"])) == [Skipped(4, "8.8.1.1", Why.OWN_ADDRESS)]


def test_what_is_no_address_and_what_allows_stays() -> None:
    others: list[Outcome] = [
        Entry(1, IndicatorType.DOMAIN, "evil.example"),
        Skipped(2, "x", Why.BLANK),
        entry("8.8.1.1", action=Action.ALLOW),
    ]
    assert list(spared(others, ["8.8.1.1"])) == others


@given(st.integers(0, 2**32 - 1), st.integers(20, 32), st.lists(st.integers(0, 2**12 - 1), max_size=5))
def test_exactly_the_own_addresses_are_missing(number: int, bits: int, offsets: list[int]) -> None:
    """Invariant: what is left holds every address of the network but the own ones."""
    network = ip_network((number >> (32 - bits) << (32 - bits), bits))
    own = [str(ip_address(min(int(network.network_address) + offset, 2**32 - 1))) for offset in offsets]
    left = [ip_network(value) for value in values(list(spared([entry(str(network))], own)))]
    count = sum(one.num_addresses for one in left)
    missing = {ip_address(one) for one in own if ip_address(one) in network}
    assert count == network.num_addresses - len(missing)
    assert not any(address in one for one in left for address in missing)
