"""Each remark about valid indicators, and silence where there is nothing to say."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from indicators.indicator import Origin
from indicators.rules import parse_indicator
from proxy.config.lint import Finding, Level, lint
from proxy.config.model import Config

NOW = datetime(2030, 6, 1, tzinfo=UTC)


def findings(*entries: object, config: Config | None = None) -> list[Finding]:
    written = [
        one
        for line, entry in enumerate(entries, start=1)
        for one in parse_indicator(entry, Origin("custom", custom=True, place="f.yaml", line=line))  # type: ignore[arg-type]
    ]
    return lint(written, config or Config(), NOW)


def kinds(*entries: object, config: Config | None = None) -> list[tuple[int, str]]:
    return [(one.line, one.kind) for one in findings(*entries, config=config)]


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        ({"block": "a.example", "expiration": "2030-05-01"}, "expired"),
        ({"block": "a.example", "expiration": "2030-06-01T00:00:00Z"}, "expired"),
        ({"block": "co.uk"}, "public-suffix"),
        ({"warn": "http://github.io/"}, "public-suffix"),
        ({"block": "com"}, "top-level"),
        ({"block": "xn--p1ai"}, "top-level"),
        ({"block": r"https://a.example/.*\.exe$"}, "pattern"),
        ({"block": "https://a.example/*.exe"}, "pattern"),
        ({"block": "https://a.example/(x|y)"}, "pattern"),
        ({"block": "https://a.example/[a-z]/x"}, "pattern"),
        ({"block": "https://a.example/x$"}, "pattern"),
        ({"block": "127.0.0.0/8"}, "own-address"),
        ({"warn": "::1"}, "own-address"),
        ({"block": "192.168.7.7"}, "own-address"),
        ({"block": "localhost"}, "own-address"),
        ({"block": "eicar.seawall.internal"}, "own-address"),
        ({"block": "http://127.0.0.1:8088/"}, "own-address"),
    ],
)
def test_one_indicator_alone(entry: object, kind: str) -> None:
    config = Config.model_validate({"dns": {"host": "192.168.7.7"}, "proxy": {"host": "0.0.0.0"}})
    assert kind in [found for _, found in kinds(entry, config=config)]
    assert all(one.level is Level.WARNING for one in findings(entry, config=config) if one.kind == kind)


@pytest.mark.parametrize(
    "entry",
    [
        {"block": "a.example"},
        {"block": "a.example", "expiration": "2030-07-01"},
        {"block": "github.io", "exact": True},
        {"allow": "127.0.0.1"},
        {"block": "192.0.2.0/24"},
        {"block": "2001:db8::/32"},
        {"block": "ab" * 32},
        {"block": "ab" * 20, "type": "certificate"},
        {"block": "http://192.0.2.1/"},
    ],
)
def test_nothing_to_say(entry: object) -> None:
    assert findings(entry) == []


def test_a_url_with_a_path_is_only_noted() -> None:
    (found,) = findings({"block": "https://a.example/x"})
    assert (found.kind, found.level) == ("needs-ca", Level.NOTE)
    assert str(found) == (
        "f.yaml:1: note: a.example/x: a URL with a path is seen over https only on devices that trust the CA"
    )
    assert found.as_json()["kind"] == "needs-ca"


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        (["a.example", "A.example."], [(2, "duplicate")]),
        (["a.example", "a.example", "a.example"], [(2, "duplicate"), (3, "duplicate")]),
        ([{"block": ["a.example", "a.example"]}], [(1, "duplicate")]),
        (["a.example", "http://a.example/"], [(2, "duplicate")]),
        (["192.0.2.1", "192.0.2.1/32"], [(2, "duplicate")]),
        (["ab" * 20, {"block": "ab" * 20, "type": "certificate"}], []),
        (["a.example", {"block": "a.example", "device_groups": "kids"}], []),
        (["a.example", {"allow": "www.a.example", "device_groups": "kids"}, "x.www.a.example"], []),
        (["a.example", {"block": "www.a.example", "device_groups": "kids", "title": "K"}, "x.www.a.example"],
         [(3, "shadowed")]),
        (["a.example", {"allow": "a.example"}], [(1, "contradiction")]),
        ([{"warn": "a.example"}, {"block": "a.example"}, {"allow": "a.example"}],
         [(1, "contradiction"), (2, "contradiction")]),
        (["ab" * 32, {"warn": "ab" * 32}], [(1, "contradiction")]),
        (["a.example", {"audit": "a.example"}], []),
        (["a.example", {"allow": "a.example", "exact": True}], []),
        (["a.example", {"allow": "a.example", "device_groups": "kids"}], []),
        (["a.example", "www.a.example"], [(2, "shadowed")]),
        (["www.a.example", "a.example"], [(1, "shadowed")]),
        (["a.example", {"block": "www.a.example", "severity": "high"}], []),
        (["a.example", {"allow": "www.a.example"}, "x.www.a.example"], []),
        (["a.example", {"allow": "www.a.example"}, {"allow": "x.www.a.example"}], [(3, "shadowed")]),
        ([{"block": "a.example", "exact": True}, "www.a.example"], []),
        ([{"block": "a.example", "exact": True}, "https://a.example/x"], [(2, "needs-ca")]),
        ([{"block": "a.example", "device_groups": "kids"}, "www.a.example"], []),
        ([{"block": "a.example", "device_groups": ["kids", "guests"]},
          {"block": "www.a.example", "device_groups": "kids"}],
         [(2, "shadowed")]),
        ([{"block": "a.example", "expiration": "2031-01-01"}, "www.a.example"], []),
        ([{"block": "a.example", "expiration": "2031-01-01"}, {"block": "www.a.example", "expiration": "2030-12-01"}],
         [(2, "shadowed")]),
        (["192.0.2.0/24", "192.0.2.7"], [(2, "shadowed")]),
        (["192.0.2.0/24", "192.0.2.0/23"], [(1, "shadowed")]),
        (["a.example", "https://a.example/x"], [(2, "needs-ca"), (2, "shadowed")]),
        (["https://a.example/x", "https://www.a.example/x/y"], [(1, "needs-ca"), (2, "needs-ca"), (2, "shadowed")]),
        (["https://a.example/x", "https://a.example/xy"], [(1, "needs-ca"), (2, "needs-ca")]),
    ],
)  # fmt: skip
def test_indicators_beside_each_other(entries: list[object], expected: list[tuple[int, str]]) -> None:
    assert kinds(*entries) == expected


def test_messages_name_the_other_place() -> None:
    found = findings("a.example", {"allow": "a.example"}, "a.example", {"allow": "www.a.example"})
    assert [one.message for one in found] == [
        "does nothing: allow at f.yaml:2 outranks it",
        "stands at f.yaml:1 already",
        "does nothing of its own: a.example at f.yaml:2 covers it",
    ]


def test_thousands_are_looked_at_quickly(tmp_path: Path) -> None:
    entries = [f"h{n}.a.example" for n in range(2000)]
    assert kinds("a.example", *entries) == [(n + 2, "shadowed") for n in range(2000)]
