from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indicators.device_signs import Sign, SignKind
from indicators.event import EventKind, VerdictEvent
from indicators.event_wire import from_json, to_json
from indicators.observation import Device
from indicators.words import Action, Category, Severity, Stage
from tests.indicators.event_samples import DEVICE, NOW, an_event


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
        ({"device": "phone"}, "device: expected an object"),
        ({"device": {"id": 7}}, "device.id: expected a non-empty string"),
        ({"count": True}, "count: expected a whole number"),
        ({"count": -1}, "count: expected a whole number"),
        ({"port": 70000}, "port: expected a whole number"),
        ({"alert": "yes"}, "alert: expected true or false"),
        ({"addresses": "1.2.3.4"}, "addresses: expected a list"),
        ({"action": ["block"]}, "action: expected one of"),
        ({"matches": {}}, "matches: expected a list"),
        ({"matches": ["x"]}, "matches[0]: expected an object"),
        ({"matches": [{"indicator": "a", "type": "domain", "line": "x"}]}, "matches[0].line: expected a whole number"),
        ({"signs": {}}, "signs: expected a list"),
        ({"signs": [{"kind": "spell", "value": "x"}]}, "signs[0].kind: expected one of"),
        ({"signs": [{"kind": "client-hint", "value": "x" * 129}]}, "signs[0].value: longer"),
        ({"signs": [{"kind": "client-hint", "value": "x", "count": 0}]}, "signs[0].count: expected"),
    ],
)
def test_a_bad_field_is_named(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint.replace("[", r"\[").replace("]", r"\]")):
        from_json(to_json(an_event()) | change)


@pytest.mark.parametrize("body", [None, [], "x", 3])
def test_what_is_no_object_is_refused(body: object) -> None:
    with pytest.raises(ValueError, match="event: expected an object"):
        from_json(body)


def test_signs_come_back_unchanged() -> None:
    signs = (Sign(SignKind.CLIENT_HINT, "Android|15.0.0|Pixel 9"), Sign(SignKind.JAILBREAK_NAME, "", 3))
    event = VerdictEvent("e", EventKind.DEVICE, "e", NOW, "gw", DEVICE, count=0, signs=signs)
    assert from_json(json.loads(json.dumps(to_json(event)))) == event
    assert "signs" not in to_json(VerdictEvent("e", EventKind.DEVICE, "e", NOW, "gw", DEVICE))


def test_devices_that_say_the_same_are_one_object_and_mistakes_are_named_each_time() -> None:
    body = json.loads(json.dumps(to_json(an_event())))
    assert from_json(body).device is from_json(json.loads(json.dumps(body)) | {"id": "e2", "incident": "e2"}).device
    for wrong, told in (({"id": ""}, "device.id"), ({"id": 7}, "device.id"), ({"id": "a", "name": "x" * 257}, "name")):
        for _ in range(2):
            with pytest.raises(ValueError, match=told):
                from_json(body | {"device": wrong})
    with pytest.raises(ValueError, match="device: expected an object"):
        from_json(body | {"device": ["id"]})


def test_a_device_that_says_much_is_read_and_not_remembered() -> None:
    body = to_json(an_event())
    told = {**body["device"], "more": "x" * 1000}
    first, second = (from_json({**body, "device": dict(told)}).device for _ in range(2))
    assert first == second == an_event().device
    assert first is not second


def test_an_optional_text_that_is_wrong_is_named() -> None:
    for wrong, told in ((7, "reason: expected a string"), ("x" * 4097, "reason: longer than 4096")):
        with pytest.raises(ValueError, match=told):
            from_json(to_json(an_event()) | {"reason": wrong})
