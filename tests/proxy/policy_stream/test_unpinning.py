"""What the collector asks to forget is read strictly; what cannot be read is left out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from proxy.policy_stream.told import Change
from proxy.policy_stream.unpinning import Unpin, read_unpin, unpins_of

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
BODY = {"gateway": "gw", "device": "d", "host": "bank.test", "ja4": "t13", "until": NOW.isoformat()}


def test_an_instruction_is_read() -> None:
    assert read_unpin(BODY) == Unpin("d", "bank.test", "t13", NOW)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [({"until": "2026-11-23T12:00:00"}, ValueError), ({"until": None}, TypeError), ({"device": 7}, ValueError)],
)
def test_what_is_wrong_is_refused(wrong: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        read_unpin(BODY | wrong)
    with pytest.raises(KeyError):
        read_unpin({"until": NOW.isoformat()})


def test_only_instructions_that_can_be_read_are_followed() -> None:
    changes = [
        Change("indicator", "1", {"block": "a.test"}),
        Change("unpin", "a", None),
        Change("unpin", "b", {"host": "x"}),
        Change("unpin", "c", BODY),
    ]
    assert list(unpins_of(changes)) == [read_unpin(BODY)]
