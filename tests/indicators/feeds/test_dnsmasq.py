"""dnsmasq lists: names that are sent nowhere, rewrites, exceptions, and settings that are no entries."""

from __future__ import annotations

import pytest

from indicators.feeds.entry import Why
from tests.support.parsing import brief, one


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("address=/evil.example/0.0.0.0", ("domain", "evil.example")),
        ("address=/evil.example/", ("domain", "evil.example")),
        ("address=/.evil.example/#", ("domain", "evil.example")),
        ("address=/*.evil.example/::", ("domain", "evil.example")),
        ("address=/evil.example/127.0.0.1 # note", ("domain", "evil.example")),
        ("address=/evil.example/8.8.1.1", ("domain>", "evil.example")),
        ("--server=/evil.example/", ("domain", "evil.example")),
        ("local=/evil.example/", ("domain", "evil.example")),
        ("server=/good.example/#", ("domain!", "good.example")),
        ("server=/corp.example/8.8.1.1", (Why.SETTING.value, "corp.example 8.8.1.1")),
        ("address=/*evil.example/", (Why.PATTERN.value, "*evil.example")),
        ("address=/#/0.0.0.0", (Why.PATTERN.value, "#")),
        ("server=/local/#", (Why.LOCAL_NAME.value, "local")),
        ("no-resolv", (Why.SETTING.value, "no-resolv")),
        ("cache-size=10", (Why.SETTING.value, "cache-size=10")),
        ("||evil.example^", (Why.MALFORMED.value, "||evil.example^")),
    ],
)
def test_a_line(line: str, found: tuple[str, str]) -> None:
    assert one("dnsmasq", line) == found


def test_a_line_may_hold_several_names() -> None:
    assert [found[2] for found in brief("dnsmasq", "address=/a.example/b.example/0.0.0.0")] == [
        "a.example",
        "b.example",
    ]
