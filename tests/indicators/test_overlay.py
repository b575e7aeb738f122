"""The overlay's JSON: nothing is lost on the way there and back, and nothing half-understood is taken."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indicators.indicator import Indicator, Origin
from indicators.overlay import Overlay, Waiver, from_json, to_json
from indicators.words import Action, Category, IndicatorType, Severity

TIMES = st.datetimes(
    datetime(2000, 1, 1), datetime(2200, 1, 1), timezones=st.sampled_from([UTC, timezone(timedelta(hours=-3.5))])
)
ORIGINS = st.builds(Origin, st.text(), st.booleans(), st.text(), st.integers(0, 2**31))
INDICATORS = st.builds(
    Indicator,
    st.text(min_size=1),
    st.sampled_from(IndicatorType),
    st.sampled_from(Action),
    ORIGINS,
    st.sampled_from(Category),
    st.text(),
    st.text(),
    st.none() | st.sampled_from(Severity),
    st.none() | TIMES,
    st.booleans(),
    st.text(),
    st.text(),
    st.frozensets(st.text()),
    st.frozensets(st.text()),
    st.booleans(),
    st.booleans(),
    st.integers(0, 100),
    st.none() | TIMES,
)
OVERLAYS = st.builds(
    Overlay,
    st.integers(0, 2**62),
    st.lists(INDICATORS, max_size=3).map(tuple),
    st.lists(st.builds(Waiver, st.text(), st.text(), st.text(), TIMES), max_size=3).map(tuple),
    st.frozensets(st.text(), max_size=3),
    st.none() | TIMES,
    device_groups=st.none() | st.dictionaries(st.text(), st.dictionaries(st.text(), st.booleans() | st.text())),
)


@given(OVERLAYS)
def test_what_is_written_is_read_again(overlay: Overlay) -> None:
    """Reading what was written gives the same overlay, and writing that the same text."""
    text = to_json(overlay)
    again = from_json(text)
    assert again == overlay
    assert from_json(text.encode()) == overlay
    assert json.loads(to_json(again)).keys() == json.loads(text).keys()


def test_it_is_compact_and_its_devices_are_in_order() -> None:
    one = Indicator("evil.example", IndicatorType.DOMAIN, Action.BLOCK, Origin("api", custom=True))
    assert json.loads(to_json(Overlay(7, (one,), trusted_devices=frozenset("cab")))) == {
        "generation": 7,
        "indicators": [
            {
                "value": "evil.example",
                "type": "domain",
                "action": "block",
                "origin": {"source": "api", "custom": True},
            }
        ],
        "trusted_devices": ["a", "b", "c"],
    }


GOOD: dict[str, Any] = {
    "generation": 1,
    "indicators": [{"value": "a.test", "type": "domain", "action": "block", "origin": {"source": "x", "custom": True}}],
    "waivers": [{"device": "d", "host": "h", "indicator": "i", "until": "2026-05-01T00:00:00Z"}],
}


def broken(path: tuple[str | int, ...], value: object) -> str:
    body = json.loads(json.dumps(GOOD))
    inner = body
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return json.dumps(body)


def test_the_model_of_the_broken_ones_is_good() -> None:
    assert from_json(json.dumps(GOOD)).generation == 1


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("generation",), "1", "generation"),
        (("generation",), True, "generation"),
        (("more",), 1, "more"),
        (("indicators",), {}, "indicators"),
        (("indicators", 0, "action"), "destroy", "indicators.0.action"),
        (("indicators", 0, "valeu"), "x", "indicators.0.valeu"),
        (("indicators", 0, "origin", "custom"), 1, "indicators.0.origin.custom"),
        (("indicators", 0, "origin", "lines"), 1, "indicators.0.origin.lines"),
        (("indicators", 0, "exact"), "no", "indicators.0.exact"),
        (("indicators", 0, "expiration"), "2026-05-01T00:00:00", "indicators.0.expiration"),
        (("indicators", 0, "since"), "2026-05-01T00:00:00", "indicators.0.since"),
        (("waivers", 0, "until"), "2026-05-01T00:00:00", "waivers.0.until"),
        (("waivers", 0, "until"), "soon", "waivers.0.until"),
        (("paused_until",), "2026-05-01T00:00:00", "paused_until"),
        (("trusted_devices",), [1], "trusted_devices.0"),
    ],
)
def test_what_is_wrong_is_named(path: tuple[str | int, ...], value: object, named: str) -> None:
    with pytest.raises(ValueError, match=f"^overlay: {named}: "):
        from_json(broken(path, value))


@pytest.mark.parametrize("text", ["", "{", '{"generation": 1', "[]", "null", "\0"])
def test_what_is_no_overlay_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^overlay: "):
        from_json(text)
