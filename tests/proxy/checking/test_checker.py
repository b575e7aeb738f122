"""Verdicts from files alone: custom indicators, test feed and snapshot, and what is said before there is one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from indicators.indicator import Indicator, Origin
from indicators.words import Action, IndicatorType
from proxy.checking.checker import Checker, NoSnapshotError, make_checker
from proxy.config.load import load_config
from proxy.feeds.store import publish
from proxy.state import StateDir
from tests.support.snapshots import compile_indicators

NOW = datetime(2030, 1, 1, tzinfo=UTC)
FEED = "feeds: [{name: list, path: list.txt}]\n"
TEST_HASH = "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f"


def checker(folder: Path, text: str, *listed: str, group: str = "default", now: datetime = NOW) -> Checker:
    (folder / "config.yaml").write_text(text)
    if listed:
        state = StateDir(folder / ".seawall")
        state.prepare()
        origin = Origin("list", custom=False, place="list", line=1)
        made = compile_indicators(Indicator(name, IndicatorType.DOMAIN, Action.BLOCK, origin) for name in listed)
        publish(state, made.content)
    return make_checker(load_config(folder / "config.yaml"), lambda: now, group)


@pytest.mark.parametrize(
    ("target", "action", "source"),
    [
        ("www.smartscreentestratings2.net", "block", "test-feed"),
        (f"{TEST_HASH.upper()}", "block", "test-feed"),
        ("mine.example", "block", "custom"),
        ("https://www.mine.example/ok/x", "allow", "custom"),
        ("https://www.mine.example/other", "block", "custom"),
        ("192.0.2.77", "warn", "custom"),
        ("http://192.0.2.77/", "warn", "custom"),
        ("listed.example", "block", "list"),
        ("http://x.listed.example/y", "block", "list"),
        ("other.example", "allow", None),
    ],
)
def test_everything_known_is_asked(tmp_path: Path, target: str, action: str, source: str | None) -> None:
    text = "indicators: [mine.example, {allow: 'https://mine.example/ok'}, {warn: 192.0.2.0/24}]\n" + FEED
    verdict = checker(tmp_path, text, "listed.example").verdict(target)
    assert (verdict.action, verdict.winner.origin.source if verdict.winner else None) == (action, source)


def test_a_host_with_an_allowed_path_is_not_final(tmp_path: Path) -> None:
    verdict = checker(tmp_path, "indicators: [a.example, {allow: 'https://a.example/ok'}]").verdict("a.example")
    assert (verdict.action, verdict.final, verdict.needs) == ("block", False, "url")


def test_a_group_can_be_asked_for(tmp_path: Path) -> None:
    text = "indicators: [{block: a.example, device_groups: kids}]"
    assert checker(tmp_path, text).verdict("a.example").action == "allow"
    assert checker(tmp_path, text, group="kids").verdict("a.example").action == "block"


BEDTIME = """
groups:
  kids:
    feeds: {list: off}
    schedules:
      - name: bedtime
        time_zone: UTC
        slots: [{start: "00:00", end: "06:00"}]
        everything: true
        allow: [music.example]
"""


@pytest.mark.parametrize(
    ("target", "group", "hour", "action", "says"),
    [
        ("any.example", "kids", 3, "block", "the schedule bedtime of group kids until Tuesday 06:00 UTC"),
        ("any.example", "kids", 3, "block", "while others get allow (nothing known)"),
        ("any.example", "kids", 6, "allow", "nothing known"),
        ("any.example", "default", 3, "allow", "nothing known"),
        ("music.example", "kids", 3, "allow", "music.example is allowed"),
        ("listed.example", "kids", 6, "allow", "for group kids, while others get block (listed.example is blocked by"),
        ("listed.example", "default", 6, "block", "the feed list"),
    ],
)
def test_a_groups_policy_at_a_time(tmp_path: Path, target: str, group: str, hour: int, action: str, says: str) -> None:
    made = checker(tmp_path, FEED + BEDTIME, "listed.example", group=group, now=NOW.replace(hour=hour))
    verdict = made.verdict(target)
    assert verdict.action == action
    assert says in verdict.reason


def test_the_test_feed_can_be_switched_off(tmp_path: Path) -> None:
    assert checker(tmp_path, "test_feed: false").verdict("smartscreentestratings2.net").action == "allow"


@pytest.mark.parametrize(
    ("target", "answered"),
    [
        ("smartscreentestratings2.net", True),
        ("good.example", True),
        ("odd.example", True),
        ("watched.example", False),
        ("other.example", False),
    ],
)
def test_before_the_first_snapshot_only_what_is_settled_is_answered(
    tmp_path: Path, target: str, answered: bool
) -> None:
    made = checker(
        tmp_path, FEED + "indicators: [{allow: good.example}, {warn: odd.example}, {audit: watched.example}]"
    )
    if answered:
        assert made.verdict(target).matches
    else:
        with pytest.raises(NoSnapshotError, match="seawall feeds update"):
            made.verdict(target)


@pytest.mark.parametrize("text", ["", "feeds: [{name: list, path: x, enabled: false}]"])
def test_without_feeds_no_snapshot_is_missed(tmp_path: Path, text: str) -> None:
    assert checker(tmp_path, text).verdict("other.example").action == "allow"


def test_nothing_is_written(tmp_path: Path) -> None:
    checker(tmp_path, "").verdict("other.example")
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]
