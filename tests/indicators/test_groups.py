"""What a device group changes about a verdict, by table: feeds, categories, audit mode, schedules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

import pytest

from indicators.classifier import Classifier
from indicators.groups import GroupPolicy, Plan
from indicators.indicator import Indicator, Origin
from indicators.memory_index import MemoryIndex
from indicators.observation import Device, Observation
from indicators.rules import parse_indicator
from indicators.schedules import Schedule, Slot
from indicators.settings import PolicySettings
from indicators.verdict import Verdict
from indicators.words import Category, Mode, Stage, Visibility

IN, OUT = datetime(2026, 3, 2, 21, tzinfo=UTC), datetime(2026, 3, 2, 12, tzinfo=UTC)
EVENINGS = Schedule("evenings", (Slot.of("20:00", "06:30"),))
CUSTOM = Origin("custom", True, "config.yaml", 3)
CHILD = Device("1", "tablet", "children")
OTHER = Device("2", "laptop")


def rules(*written: Any, origin: Origin = CUSTOM, **more: Any) -> tuple[Indicator, ...]:
    return tuple(one for rule in written for one in parse_indicator({**rule, **more}, origin))


FEEDS = MemoryIndex(
    (
        *rules({"block": ["listed.example", "both.example", "listed.test/bad"]}, origin=Origin("list", False)),
        *rules({"block": ["social.example", "both.example"]}, origin=Origin("social", False), category="unwanted"),
    )
)
FOR_ALL = rules({"allow": "corrected.example"}, {"block": "ours.example"})
FOR_THEM = rules({"allow": "school.example"}, device_groups="children")


def judge(policy: GroupPolicy, now: datetime, *hosts: str, **seen: Any) -> Verdict:
    custom = MemoryIndex((*FOR_ALL, *FOR_THEM))
    settings = PolicySettings(mode=seen.pop("mode", Mode.ENFORCE))
    observation = Observation(seen.pop("stage", Stage.DNS), seen.pop("device", CHILD), hosts, **seen)
    return policy.at(now).classifier(custom, [FEEDS], settings).judge(observation, now)


def plan(**what: Any) -> GroupPolicy:
    return GroupPolicy("children", plans=(Plan(EVENINGS, **what),))


NO_SOCIAL = GroupPolicy("children", feeds_off=frozenset({"social"}))
NO_UNWANTED = GroupPolicy("children", categories_off=frozenset({Category.UNWANTED}))
SOCIAL_AT_NIGHT = GroupPolicy(
    "children", feeds_off=frozenset({"social"}), plans=(Plan(EVENINGS, feeds=frozenset({"social"})),)
)
UNWANTED_AT_NIGHT = GroupPolicy(
    "children",
    categories_off=frozenset({Category.UNWANTED}),
    plans=(Plan(EVENINGS, categories=frozenset({Category.UNWANTED})),),
)
BEDTIME = plan(everything=True, indicators=rules({"allow": ["music.example", "book.example/read"]}))
NO_GAMES = plan(indicators=rules({"block": ["games.example", "198.51.100.0/24"]}))
GAMES_THEN = plan(indicators=rules({"allow": "ours.example"}))
ONLY_ALLOWS = GroupPolicy("children")


@pytest.mark.parametrize(
    ("policy", "now", "host", "action"),
    [
        (NO_SOCIAL, OUT, "social.example", "allow"),
        (NO_SOCIAL, OUT, "both.example", "block"),  # another feed lists it
        (NO_SOCIAL, OUT, "listed.example", "block"),
        (NO_SOCIAL, OUT, "ours.example", "block"),
        (NO_UNWANTED, OUT, "social.example", "allow"),
        (NO_UNWANTED, OUT, "listed.example", "block"),
        (SOCIAL_AT_NIGHT, OUT, "social.example", "allow"),
        (SOCIAL_AT_NIGHT, IN, "social.example", "block"),
        (UNWANTED_AT_NIGHT, OUT, "social.example", "allow"),
        (UNWANTED_AT_NIGHT, IN, "social.example", "block"),
        (BEDTIME, OUT, "anything.example", "allow"),
        (BEDTIME, IN, "anything.example", "block"),
        (BEDTIME, IN, "www.music.example", "allow"),
        (BEDTIME, IN, "school.example", "allow"),  # allowed for this group by name
        (BEDTIME, IN, "corrected.example", "block"),  # allowed for all, to correct a feed: no way out
        (BEDTIME, OUT, "corrected.example", "allow"),
        (BEDTIME, IN, "listed.example", "block"),
        (NO_GAMES, IN, "www.games.example", "block"),
        (NO_GAMES, OUT, "www.games.example", "allow"),
        (NO_GAMES, IN, "other.example", "allow"),
        (GAMES_THEN, OUT, "ours.example", "block"),
        (GAMES_THEN, IN, "ours.example", "allow"),  # for the group, so it outranks what is for all
        (ONLY_ALLOWS, OUT, "school.example", "allow"),
        (ONLY_ALLOWS, OUT, "listed.example", "block"),  # allow entries alone take no feed away
        (ONLY_ALLOWS, OUT, "anything.example", "allow"),
    ],
)
def test_what_a_group_gets(policy: GroupPolicy, now: datetime, host: str, action: str) -> None:
    assert judge(policy, now, host).action == action


@pytest.mark.parametrize(
    ("mode", "own", "action", "would", "why"),
    [
        (Mode.ENFORCE, Mode.AUDIT, "allow", "block", "its device"),
        (Mode.AUDIT, Mode.ENFORCE, "block", None, ""),
        (Mode.AUDIT, None, "allow", "block", "policy.mode is audit"),
        (Mode.ENFORCE, None, "block", None, ""),
    ],
)
def test_audit_or_enforce(mode: Mode, own: Mode | None, action: str, would: str | None, why: str) -> None:
    verdict = judge(GroupPolicy("children", mode=own), OUT, "listed.example", mode=mode)
    assert (verdict.action, verdict.would) == (action, would)
    assert why.replace("its device", "the device's group is in audit mode") in verdict.reason


def test_everything_is_addresses_and_requests_too() -> None:
    address = ip_address("203.0.113.9")
    assert judge(BEDTIME, IN, stage=Stage.CONNECTION, addresses=(address,)).stops
    assert judge(BEDTIME, IN, "203.0.113.9", stage=Stage.CONNECTION).stops
    assert judge(BEDTIME, IN, "x.example", url="https://x.example/y", stage=Stage.HTTP).stops
    assert not judge(BEDTIME, IN, "music.example", stage=Stage.TLS, addresses=(address,)).stops
    assert not judge(BEDTIME, IN, "music.example", "cdn.example", addresses=(address,)).stops


def test_one_allowed_path_of_a_blocked_host_needs_to_be_seen() -> None:
    host = judge(BEDTIME, IN, "book.example")
    assert (host.final, host.needs) == (False, Visibility.URL)
    for path, stops in (("read/1", False), ("chat", True)):
        assert judge(BEDTIME, IN, "book.example", url=f"https://book.example/{path}", stage=Stage.HTTP).stops is stops


def test_the_reason_names_schedule_group_and_end() -> None:
    reason = judge(BEDTIME, IN, "x.example").reason
    said = "everything is blocked by the schedule evenings of group children until Tuesday 06:30 UTC"
    assert reason.startswith(said)
    assert not judge(BEDTIME, IN, "x.example").alert
    winner = judge(NO_GAMES, IN, "games.example").winner
    assert winner
    assert winner.description == "Kept by the schedule evenings of group children until Tuesday 06:30 UTC."


def test_what_holds_until_when() -> None:
    assert BEDTIME.at(OUT).until == datetime(2026, 3, 2, 20, tzinfo=UTC)
    assert BEDTIME.at(IN).until == datetime(2026, 3, 3, 6, 30, tzinfo=UTC)
    assert NO_SOCIAL.at(IN).until is None
    assert [one.differs for one in (NO_SOCIAL, BEDTIME, ONLY_ALLOWS)] == [True, True, False]


def test_a_feed_that_is_off_asks_for_no_deeper_look() -> None:
    off = GroupPolicy("children", feeds_off=frozenset({"list"}))
    assert judge(ONLY_ALLOWS, OUT, "listed.test").needs is Visibility.URL
    assert judge(off, OUT, "listed.test").needs is None
    assert judge(off, OUT, "listed.test", url="https://listed.test/bad", stage=Stage.HTTP).action == "allow"


def test_hashes_and_certificates_of_a_feed_that_is_off() -> None:
    digest, thumbprint = "a" * 64, "b" * 40
    found = MemoryIndex(rules({"block": [digest], "type": "sha256"}, origin=Origin("list", False)))
    certificate = MemoryIndex(rules({"block": [thumbprint], "type": "certificate"}, origin=Origin("list", False)))
    for policy, action in ((ONLY_ALLOWS, "block"), (GroupPolicy("c", feeds_off=frozenset({"list"})), "allow")):
        classifier: Classifier = policy.at(OUT).classifier(MemoryIndex(), [found, certificate], PolicySettings())
        seen = Observation(Stage.DOWNLOAD, CHILD, hashes=(digest,))
        assert classifier.judge(seen, OUT).action == action
        seen = Observation(Stage.SERVER_CERT, CHILD, ("x.example",), certificate=thumbprint)
        assert classifier.judge(seen, OUT + timedelta(days=1)).action == action


def test_everything_says_nothing_of_files_and_certificates() -> None:
    classifier = BEDTIME.at(IN).classifier(MemoryIndex(), [], PolicySettings())
    assert classifier.judge(Observation(Stage.DOWNLOAD, CHILD, hashes=("a" * 64,)), IN).action == "allow"
    assert classifier.judge(Observation(Stage.SERVER_CERT, CHILD, certificate="b" * 40), IN).action == "allow"
