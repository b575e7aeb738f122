"""Durations, and values that a number or a boolean must not stand for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from proxy.config.model import Config
from proxy.config.values import format_duration, parse_duration


@given(st.integers(0, 999_999))
def test_durations_read_as_they_are_written(minutes: int) -> None:
    """A duration written by `format_duration` is read as the same one."""
    assert parse_duration(format_duration(timedelta(minutes=minutes))) == timedelta(minutes=minutes)


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("5 m", 300), ("1H", 3600), ("2w", 1209600)])
def test_durations(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "h", "-1h", "1y", "1.5h", 5, None, "1000000h"])
def test_what_is_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match="expected a duration"):
        parse_duration(text)


def test_a_whole_configuration_survives_json() -> None:
    config = Config.model_validate({"policy": {"waiver": "90m"}, "feeds": [{"name": "a", "url": "http://x"}]})
    assert Config.model_validate_json(config.model_dump_json()) == config
    assert config.model_dump(mode="json")["policy"]["waiver"] == "90m"


@pytest.mark.parametrize(
    "body",
    [
        {"collector": {"url": "elsewhere"}},
        {"dns": {"upstreams": ["a b"]}},
        {"privacy": {"retention_days": False}},
        {"dns": {"hosts": {"a.test": 5}}},
        {"dns": {"allow_clients": [5]}},
        {"collector": {"public_url": "https://wall.example/console"}},
        {"collector": {"public_url": "wall.example"}},
        {"collector": {"trusted_proxies": ["10.0.0.5/24"]}},
    ],
)
def test_what_is_refused(body: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Config.model_validate(body)
