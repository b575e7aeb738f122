"""The fields beside value and action: what is read, what is refused, and where."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from indicators.fields import KEYS, MAX_GROUPS, MAX_TITLE, RuleError, check_fields, read_fields
from indicators.indicator import Indicator
from indicators.words import Action, Category, Severity


def test_each_key_is_a_field_of_an_indicator() -> None:
    assert set(KEYS) == set(Indicator.__slots__) - {"value", "type", "action", "origin", "confidence", "devices"}


@pytest.mark.parametrize(
    ("written", "expiration"),
    [
        (None, None),
        (date(2030, 12, 31), datetime(2031, 1, 1, tzinfo=UTC)),
        ("2030-12-31", datetime(2031, 1, 1, tzinfo=UTC)),
        (datetime(2030, 12, 31, 18), datetime(2030, 12, 31, 18, tzinfo=UTC)),
        ("2030-12-31T18:00:00", datetime(2030, 12, 31, 18, tzinfo=UTC)),
        ("2030-12-31T18:00:00+02:00", datetime(2030, 12, 31, 16, tzinfo=UTC)),
        (datetime(2030, 12, 31, 18, tzinfo=timezone(timedelta(hours=2))), datetime(2030, 12, 31, 16, tzinfo=UTC)),
    ],
)
def test_expiration(written: object, expiration: datetime | None) -> None:
    assert read_fields({"expiration": written})["expiration"] == expiration


def test_since_is_the_start_of_a_day() -> None:
    fields = read_fields({"since": date(2026, 5, 1)})
    assert (fields["since"], fields["expiration"]) == (datetime(2026, 5, 1, tzinfo=UTC), None)


def test_a_time_without_a_zone_is_utc_wherever_the_gateway_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert read_fields({"expiration": "2030-06-01T12:00"})["expiration"] == datetime(2030, 6, 1, 12, tzinfo=UTC)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_words_are_read_in_any_case_and_with_dashes() -> None:
    fields = read_fields({"category": "Command-and-Control", "severity": "HIGH"})
    assert (fields["category"], fields["severity"]) == (Category.COMMAND_AND_CONTROL, Severity.HIGH)


@pytest.mark.parametrize("written", ["kids", ["kids"], [" kids "], ("kids",)])
def test_device_groups(written: object) -> None:
    assert read_fields({"device_groups": written})["device_groups"] == {"kids"}
    assert "device_groups" not in read_fields({"device_groups": None})


@pytest.mark.parametrize(
    ("key", "value", "at", "says"),
    [
        ("title", 5, "title", "expected text (in quotes), got 5"),
        ("title", "x" * (MAX_TITLE + 1), "title", f"at most {MAX_TITLE} characters"),
        ("title", "a\x1b[31m", "title", "without control characters"),
        ("title", "a\u202eb", "title", "without control characters"),
        ("title", "a\ud800", "title", "without control characters"),
        ("description", ["a"], "description", "expected text"),
        ("severity", "extreme", "severity", "expected one of informational, low, medium, high"),
        ("severity", "hihg", "severity", "did you mean `high`?"),
        ("category", 5, "category", "expected one of phishing"),
        ("expiration", "tomorrow", "expiration", "expected a date such as"),
        ("expiration", 20301231, "expiration", "expected a date such as"),
        ("expiration", "2030-02-30", "expiration", "expected a date such as"),
        ("expiration", date(9999, 12, 31), "expiration", "expected a date such as"),
        ("expiration", date(1970, 1, 1), "expiration", "expected a year from 2000"),
        ("expiration", "2999-01-01", "expiration", "expected a year from 2000"),
        ("since", "yesterday", "since", "expected a date such as"),
        ("generate_alert", "no", "generate_alert", "expected true or false"),
        ("exact", 1, "exact", "expected true or false"),
        ("educate_url", "javascript:alert(1)", "educate_url", "expected an http:// or https:// address"),
        ("educate_url", "http://", "educate_url", "expected an http:// or https:// address"),
        ("device_groups", 5, "device_groups", "expected the name of a device group"),
        ("device_groups", [], "device_groups", "a list of 1 to"),
        ("device_groups", ["a"] * (MAX_GROUPS + 1), "device_groups", "a list of 1 to"),
        ("device_groups", ["a", ""], "device_groups.1", "expected the name of a device group"),
        ("device_groups", ["a", 5], "device_groups.1", "expected the name of a device group"),
    ],
)
def test_mistakes(key: str, value: object, at: str, says: str) -> None:
    with pytest.raises(RuleError) as caught:
        read_fields({key: value})
    assert caught.value.key == at
    assert says in caught.value.reason


@pytest.mark.parametrize(
    ("entry", "action", "is_name", "key"),
    [
        ({"generate_alert": False}, Action.AUDIT, True, "generate_alert"),
        ({"educate_url": "https://a.example/"}, Action.ALLOW, True, "educate_url"),
        ({"educate_url": "https://a.example/"}, Action.AUDIT, True, "educate_url"),
        ({"exact": True}, Action.BLOCK, False, "exact"),
        ({"always_inspect": True}, Action.BLOCK, False, "always_inspect"),
    ],
)
def test_fields_that_would_do_nothing_are_refused(
    entry: dict[object, object], action: Action, is_name: bool, key: str
) -> None:
    with pytest.raises(RuleError) as caught:
        check_fields(read_fields(entry), action, is_name)
    assert caught.value.key == key


@pytest.mark.parametrize("action", [Action.BLOCK, Action.WARN])
def test_fields_that_do_something_are_taken(action: Action) -> None:
    entry: dict[object, object] = {"generate_alert": False, "educate_url": "https://a.example/", "exact": True}
    check_fields(read_fields(entry), action, True)
    assert read_fields(entry)["educate_url"] == "https://a.example/"
