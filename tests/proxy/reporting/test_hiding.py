from __future__ import annotations

import json
import string
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indicators.event import of_verdict
from indicators.event_wire import to_json
from indicators.words import Enforcement
from proxy.reporting.hiding import Hider
from tests.proxy.reporting.samples import NOW, blocked, seen

hider = Hider(b"k" * 32)


def test_no_part_of_the_destination_is_left() -> None:
    observed = seen(addresses=(ip_address("192.0.2.77"),), hashes=("ab" * 32,))
    event = of_verdict("id", NOW, "gateway", observed, blocked(), Enforcement.PAGE)
    hidden = hider.hide(event)
    text = json.dumps(to_json(hidden))
    for word in ("evil", "login", "co.uk", "192.0.2", "abab", "Evil shop"):
        assert word not in text
    assert hidden.hidden
    kept = ("device", "severity", "category", "count", "action", "enforcement", "alert", "time", "incident")
    assert all(getattr(hidden, name) == getattr(event, name) for name in kept)
    assert hidden.reason == "block: Phishing"
    assert [match.source for match in hidden.matches] == ["a-feed"]


def test_events_of_one_site_can_be_grouped_by_their_last_part() -> None:
    one, two, other = (hider.host(name) for name in ("a.b.evil.co.uk", "www.evil.co.uk", "evil.com"))
    assert [len(name.split(".")) for name in (one, two, other)] == [3, 2, 1]
    assert one.split(".")[-1] == two.split(".")[-1] != other


@pytest.mark.parametrize("host", ["co.uk", "192.0.2.1", "2001:db8::1", "localhost"])
def test_what_has_no_registrable_domain_is_one_hash(host: str) -> None:
    assert len(hider.host(host)) == 16


def test_nothing_stays_nothing() -> None:
    assert hider.host("") == ""


labels = st.text(string.ascii_lowercase, min_size=1, max_size=8)


@given(st.lists(labels, min_size=1, max_size=4))
def test_the_same_name_hides_alike_and_another_key_hides_otherwise(parts: list[str]) -> None:
    """Invariant: a hidden host is a function of name and key, made of 64-bit hashes, one for each suffix."""
    host = ".".join([*parts, "example", "com"])
    assert hider.host(host) == Hider(b"k" * 32).host(host) != Hider(b"j" * 32).host(host)
    assert [len(part) for part in hider.host(host).split(".")] == [16] * (len(parts) + 1)
