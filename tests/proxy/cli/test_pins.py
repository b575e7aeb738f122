from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.state import StateDir
from tests.proxy.cli.test_daily import answered, state  # noqa: F401

PIN = {"device": "d1", "name": "phone", "host": "bank.test", "ja4": "t13d", "until": "2026-03-01T12:00:00+00:00"}


@pytest.mark.parametrize(
    ("arguments", "reply", "says", "asked"),
    [
        (["list"], {"ok": True, "pins": [PIN]}, "bank.test", {"op": "pins"}),
        (["list"], {"ok": True, "pins": []}, "No app has refused", {"op": "pins"}),
        (["clear"], {"ok": True, "removed": 2}, "2 forgotten", {"op": "unpin", "host": "", "device": ""}),
        (
            ["clear", "--host", "bank.test", "--device", "d1"],
            {"ok": True, "removed": 1},
            "1 forgotten",
            {"op": "unpin", "host": "bank.test", "device": "d1"},
        ),
    ],
)
async def test_pins_are_listed_and_cleared(
    state: StateDir,  # noqa: F811
    arguments: list[str],
    reply: dict[str, Any],
    says: str,
    asked: dict[str, Any],
) -> None:
    result, heard = await answered(state, reply, "pins", *arguments)
    assert result.exit_code == 0, result.output
    assert says in result.output
    assert [{name: value for name, value in each.items() if name != "id"} for each in heard] == [asked]


async def test_as_json_and_without_a_gateway(state: StateDir) -> None:  # noqa: F811
    result, _ = await answered(state, {"ok": True, "pins": [PIN]}, "pins", "list", "--json")
    assert json.loads(result.output) == [PIN]
    result, _ = await answered(state, {"ok": False, "error": "something"}, "pins", "list")
    assert (result.exit_code, "something" in result.output) == (1, True)
