"""Ranges are what the policy itself blocks: custom and feeds' networks, exceptions left out, neighbours joined."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from indicators.indicator import Indicator, Origin
from indicators.overlay import Overlay
from indicators.snapshot.reader import Snapshot
from indicators.words import Action, IndicatorType
from proxy.config.model import Config
from proxy.policy import LivePolicy
from proxy.published_overlay import publish
from proxy.state import StateDir
from proxy.wireguard.blocked_addresses import blocked_ranges
from tests.support.snapshots import compile_indicators

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def network(action: str, value: str, **more: Any) -> Indicator:
    return Indicator(value, IndicatorType.IP, Action(action), Origin("custom", custom=True), **more)


def listed(value: str) -> Indicator:
    return Indicator(value, IndicatorType.IP, Action.BLOCK, Origin("feed", custom=False))


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    made = StateDir(tmp_path / "state")
    made.prepare()
    return made


def ranges(state: StateDir, custom: list[Indicator], feeds: list[Indicator], **settings: Any) -> list[tuple[str, str]]:
    policy = LivePolicy(Config.model_validate({"test_feed": False, **settings}), state, lambda: NOW)
    policy.snapshot = Snapshot(compile_indicators(feeds).content) if feeds else None
    publish(state.overlay, Overlay(2, indicators=tuple(custom)))
    policy.load()
    return [(str(first), str(last)) for first, last in blocked_ranges(policy)]


def test_custom_ones_and_feeds_are_one_list_and_neighbours_one_range(state: StateDir) -> None:
    custom = [network("block", "9.9.9.0/25"), network("audit", "9.9.8.0/24"), network("block", "2606:4700::/32")]
    feeds = [listed("9.9.9.128/25"), listed("8.8.8.8"), listed("2606:4701::/32")]
    assert ranges(state, custom, feeds) == [
        ("8.8.8.8", "8.8.8.8"),
        ("9.9.9.0", "9.9.9.255"),
        ("2606:4700::", "2606:4701:ffff:ffff:ffff:ffff:ffff:ffff"),
    ]


def test_what_is_allowed_within_is_left_out(state: StateDir) -> None:
    assert ranges(state, [network("allow", "9.9.9.9")], [listed("9.9.9.0/24")]) == [
        ("9.9.9.0", "9.9.9.8"),
        ("9.9.9.10", "9.9.9.255"),
    ]


def test_a_groups_own_and_what_has_expired_are_not_everybodys(state: StateDir) -> None:
    custom = [
        network("block", "9.9.9.9", device_groups=frozenset({"children"})),
        network("block", "8.8.8.8", expiration=datetime(2026, 2, 1, tzinfo=UTC)),
        network("block", "255.255.255.255"),
    ]
    assert ranges(state, custom, []) == [("255.255.255.255", "255.255.255.255")]


def test_in_audit_mode_nothing_is(state: StateDir) -> None:
    assert ranges(state, [network("block", "9.9.9.9")], [listed("8.8.8.8")], policy={"mode": "audit"}) == []
