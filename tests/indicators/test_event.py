from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indicators.event import MAX_TEXT, EventKind, Evidence, VerdictEvent, from_json, of_verdict, to_json
from indicators.indicator import Indicator, Origin
from indicators.observation import Device, Observation
from indicators.verdict import Match, Scope, Verdict
from indicators.words import Action, Category, Enforcement, IdentifiedBy, IndicatorType, Severity, Stage

NOW = datetime(2026, 11, 23, 10, 0, 0, 123000, tzinfo=UTC)
DEVICE = Device("d1", "phone", "kids", IdentifiedBy.TOKEN, "10.0.0.7", "dns")
BAD = Indicator(
    "evil.example",
    IndicatorType.DOMAIN,
    Action.BLOCK,
    Origin("feed-a", custom=False, place="feed-a", line=7),
    Category.PHISHING,
    title="Bank phish",
    severity=Severity.MEDIUM,
)


def an_event() -> VerdictEvent:
    seen = Observation(
        Stage.HTTP,
        DEVICE,
        hosts=("www.evil.example",),
        url="https://www.evil.example/login",
        addresses=(ip_address("203.0.113.7"),),
        port=443,
        hashes=("ab" * 32,),
        user_agent="curl/8",
    )
    match = Match(BAD, "www.evil.example", Scope.PARENT_DOMAIN, 2, Action.BLOCK, guard="")
    return of_verdict("e1", NOW, "gw", seen, Verdict(Action.BLOCK, "listed", (match,), alert=True), Enforcement.PAGE)


def test_an_event_carries_the_evidence_of_its_verdict() -> None:
    event = an_event()
    assert (event.host, event.category, event.severity, event.title) == (
        "www.evil.example",
        Category.PHISHING,
        Severity.MEDIUM,
        "Bank phish",
    )
    assert event.matches == (
        Evidence(
            "evil.example", "domain", Action.BLOCK, "feed-a", Category.PHISHING, "www.evil.example", "Bank phish", 7
        ),
    )


def test_json_brings_an_event_back_unchanged() -> None:
    event = an_event()
    assert from_json(json.loads(json.dumps(to_json(event)))) == event


@given(
    st.builds(
        VerdictEvent,
        id=st.text(min_size=1, max_size=30),
        kind=st.sampled_from(EventKind),
        incident=st.text(min_size=1, max_size=30),
        time=st.datetimes(min_value=datetime(2000, 1, 1)).map(
            lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000, tzinfo=UTC)
        ),
        gateway=st.just("gw"),
        device=st.builds(Device, id=st.text(min_size=1, max_size=20), name=st.text(max_size=20)),
        count=st.integers(0, 10**9),
        stage=st.sampled_from(Stage),
        action=st.sampled_from(Action),
        would=st.none() | st.sampled_from(Action),
        category=st.none() | st.sampled_from(Category),
        severity=st.sampled_from(Severity),
        reason=st.text(max_size=50),
        url=st.text(max_size=50),
        addresses=st.lists(st.text(max_size=20), max_size=4).map(tuple),
        port=st.none() | st.integers(0, 65535),
        alert=st.booleans(),
        hidden=st.booleans(),
    )
)
def test_round_trip(event: VerdictEvent) -> None:
    """Whatever an event holds, reading its JSON gives the same event."""
    assert from_json(json.loads(json.dumps(to_json(event)))) == event


def test_long_texts_from_the_network_are_cut() -> None:
    seen = Observation(Stage.HTTP, DEVICE, hosts=("a.example",), url="https://a.example/" + "x" * 10_000)
    event = of_verdict("e1", NOW, "gw", seen, Verdict(Action.AUDIT, "r"), Enforcement.PASSED)
    assert len(event.url) == MAX_TEXT
    assert event.url.endswith("…")
    assert event.title == ""


def test_time_is_sent_in_utc() -> None:
    body = to_json(an_event()) | {"time": (NOW + timedelta(hours=2)).isoformat().replace("+00:00", "+02:00")}
    assert from_json(body).time == NOW


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"v": 2}, "v: expected 1"),
        ({"id": ""}, "id: expected a non-empty string"),
        ({"id": "x" * 65}, "id: longer than 64 characters"),
        ({"kind": "gossip"}, "kind: expected one of verdict, repeat, device"),
        ({"time": "yesterday"}, "time: expected an RFC 3339 time"),
        ({"time": "0001-01-01T00:00:00+14:00"}, "time: expected a time between the years"),
        ({"time": "2026-11-23T10:00:00"}, "time: expected a time with its offset"),
        ({"device": "phone"}, "device: expected dict"),
        ({"device": {"id": 7}}, "device.id: expected a non-empty string"),
        ({"count": True}, "count: expected a whole number"),
        ({"count": -1}, "count: expected a whole number"),
        ({"port": 70000}, "port: expected a whole number"),
        ({"alert": "yes"}, "alert: expected true or false"),
        ({"addresses": "1.2.3.4"}, "addresses: expected a list"),
        ({"action": ["block"]}, "action: expected one of"),
        ({"matches": {}}, "matches: expected a list"),
        ({"matches": ["x"]}, "matches[0].: expected an object"),
        ({"matches": [{"indicator": "a", "type": "domain", "line": "x"}]}, "matches[0].line: expected a whole number"),
    ],
)
def test_a_bad_field_is_named(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint.replace("[", r"\[").replace("]", r"\]")):
        from_json(to_json(an_event()) | change)


@pytest.mark.parametrize("body", [None, [], "x", 3])
def test_what_is_no_object_is_refused(body: object) -> None:
    with pytest.raises(ValueError, match="event: expected an object"):
        from_json(body)


def test_the_destination_is_name_then_address_then_hash() -> None:
    body = to_json(an_event())
    assert from_json(body).destination == "www.evil.example"
    body.pop("host")
    assert from_json(body).destination == "203.0.113.7"
    body.pop("addresses")
    assert from_json(body).destination == "ab" * 32
    body.pop("hashes")
    assert from_json(body).destination == ""
