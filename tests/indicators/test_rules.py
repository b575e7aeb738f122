"""Entries of custom indicators: each short form, the full form, and each mistake with the key to look at."""

from __future__ import annotations

import pytest

from indicators.indicator import Indicator, Origin
from indicators.rules import MAX_VALUES, RuleError, parse_indicator
from indicators.words import Action, Category, IndicatorType, Severity

ORIGIN = Origin("custom", custom=True, place="config.yaml", line=3)


def parse(entry: object) -> tuple[Indicator, ...]:
    return parse_indicator(entry, ORIGIN)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ("evil.example", [("block", "domain", "evil.example")]),
        ({"block": "evil.example"}, [("block", "domain", "evil.example")]),
        ({"block": "*.evil.example"}, [("block", "domain", "evil.example")]),
        ({"warn": ["a.example", "192.0.2.0/24"]}, [("warn", "domain", "a.example"), ("warn", "ip", "192.0.2.0/24")]),
        ({"allow": "https://h.example/path"}, [("allow", "url", "h.example/path")]),
        ({"audit": "h.example"}, [("audit", "domain", "h.example")]),
        ({"value": "h.example", "action": "Block"}, [("block", "domain", "h.example")]),
        ({"value": ["h.example", "i.example"], "action": "warn", "type": "url"}, [
            ("warn", "url", "h.example/"), ("warn", "url", "i.example/"),
        ]),
        ({"block": "ab" * 20, "type": "certificate"}, [("block", "certificate", "ab" * 20)]),
    ],
)  # fmt: skip
def test_forms(entry: object, found: list[tuple[str, str, str]]) -> None:
    made = parse(entry)
    assert [(one.action, one.type, one.value) for one in made] == found
    assert all(one.origin is ORIGIN for one in made)


def test_short_form_has_the_defaults_of_an_indicator() -> None:
    (made,) = parse("evil.example")
    assert made == Indicator("evil.example", IndicatorType.DOMAIN, Action.BLOCK, ORIGIN)


def test_every_field() -> None:
    (made,) = parse(
        {
            "value": "https://evil.example/login",
            "type": "url",
            "action": "warn",
            "title": "Fake login",
            "description": "Seen in a\nmail.",
            "severity": "high",
            "expiration": "2030-01-02T03:04:05Z",
            "generate_alert": False,
            "recommended_actions": "Change the password.",
            "educate_url": "https://intranet.example/phishing",
            "device_groups": ["kids", "guests"],
            "category": "phishing",
            "exact": True,
            "always_inspect": True,
        }
    )
    assert (made.type, made.value, made.action) == (IndicatorType.URL, "evil.example/login", Action.WARN)
    assert (made.title, made.description) == ("Fake login", "Seen in a\nmail.")
    assert (made.severity, made.category) == (Severity.HIGH, Category.PHISHING)
    assert made.expiration is not None
    assert made.expiration.isoformat() == "2030-01-02T03:04:05+00:00"
    assert (made.generate_alert, made.exact, made.always_inspect) == (False, True, True)
    assert (made.recommended_actions, made.educate_url) == ("Change the password.", "https://intranet.example/phishing")
    assert made.device_groups == {"kids", "guests"}


def test_groups_of_a_whole_file_hold_where_an_entry_names_none() -> None:
    groups = frozenset({"kids"})
    assert parse_indicator("a.example", ORIGIN, groups)[0].device_groups == groups
    named: dict[object, object] = {"block": "a.example", "device_groups": "guests"}
    assert parse_indicator(named, ORIGIN, groups)[0].device_groups == {"guests"}


@pytest.mark.parametrize(
    ("entry", "key", "says"),
    [
        (5, "", "expected an indicator such as"),
        (None, "", "expected an indicator such as"),
        ({}, "", "expected a value"),
        ({"action": "block"}, "", "expected a value"),
        ({"value": "a.example"}, "action", "expected one of allow, audit, warn, block"),
        ({"value": "a.example", "action": "blok"}, "action", "did you mean `block`?"),
        ({"value": "a.example", "acton": "block"}, "acton", "did you mean `action`?"),
        ({"blok": "a.example"}, "blok", "did you mean `block`?"),
        ({"block": "a.example", "zzz": 1}, "zzz", "expected one of value, type"),
        ({"block": "a.example", 5: 1}, "5", "there is no such key"),
        ({"block": "a.example", "allow": "b.example"}, "block", "not both in one indicator"),
        ({"block": "a.example", "action": "warn"}, "action", "not both in one indicator"),
        ({"block": 5}, "block", "as text (in quotes), got 5"),
        ({"block": None}, "block", "as text (in quotes)"),
        ({"block": []}, "block", "expected 1 to"),
        ({"block": ["a.example"] * (MAX_VALUES + 1)}, "block", "expected 1 to"),
        ({"block": ["a.example", "b example"]}, "block.1", "not a host name"),
        ({"block": "a.example", "type": "host"}, "type", "expected one of domain, url"),
        ({"block": "a.example", "type": "sha256"}, "block", "64 hexadecimal digits"),
        ({"block": "192.0.2.1", "exact": True}, "exact", "only for a domain or URL"),
    ],
)
def test_mistakes_name_their_key(entry: object, key: str, says: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse(entry)
    assert caught.value.key == key
    assert says in caught.value.reason
    assert str(caught.value) == (f"{key}: {caught.value.reason}" if key else caught.value.reason)
