"""The classifier gathers every observable from every index, cheaply where nothing is known."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from indicators.addresses import parse_address
from indicators.classifier import Classifier
from indicators.indicator import Indicator, Origin
from indicators.memory_index import MemoryIndex
from indicators.observation import Device, Observation
from indicators.overlay import Waiver
from indicators.rules import parse_indicator
from indicators.settings import PolicySettings
from indicators.verdict import CLEAN, Match, Verdict
from indicators.words import Action, Stage, Visibility

NOW = datetime(2026, 5, 1, tzinfo=UTC)
PHONE = Device("phone", "Phone")
CUSTOM = Origin("custom", custom=True, place="config.yaml", line=3)
FEED = Origin("f1", custom=False)


def index(*entries: object, origin: Origin = CUSTOM) -> MemoryIndex:
    made: list[Indicator] = []
    for entry in entries:
        made += parse_indicator(entry, origin)  # type: ignore[arg-type]
    return MemoryIndex(made)


CUSTOMS = index({"allow": "https://evil.example/ok"}, {"warn": "odd.example"}, {"block": "192.0.2.0/24"})
FEEDS = index("evil.example", "a" * 64, "good.example/bad", {"block": "d" * 40, "type": "certificate"}, origin=FEED)
CLASSIFIER = Classifier(CUSTOMS, [FEEDS], PolicySettings())


def see(stage: Stage = Stage.HTTP, *hosts: str, **more: object) -> Observation:
    return Observation(stage, PHONE, hosts, **more)  # type: ignore[arg-type]


def judge(stage: Stage = Stage.HTTP, *hosts: str, **more: object) -> Verdict:
    return CLASSIFIER.judge(see(stage, *hosts, **more), NOW)


@pytest.mark.parametrize(
    ("seen", "action", "indicator"),
    [
        (see(Stage.DNS, "odd.example"), Action.WARN, "odd.example"),
        (see(Stage.DNS, "shop.test", "x.cdn.test", "www.evil.example"), Action.BLOCK, "evil.example"),
        (see(Stage.CONNECTION, "shop.test", addresses=(parse_address("192.0.2.9"),)), Action.BLOCK, "192.0.2.0/24"),
        (see(Stage.CONNECTION, addresses=(parse_address("192.0.2.9"),)), Action.BLOCK, "192.0.2.0/24"),
        (see(Stage.CONNECTION, "192.0.2.9"), Action.BLOCK, "192.0.2.0/24"),
        (see(Stage.HTTP, "192.0.2.9", url="http://192.0.2.9/"), Action.BLOCK, "192.0.2.0/24"),
        (see(Stage.HTTP, url="http://3221225993/"), Action.BLOCK, "192.0.2.0/24"),
        (see(Stage.HTTP, "evil.example", url="https://evil.example/"), Action.BLOCK, "evil.example"),
        (see(Stage.HTTP, "evil.example", url="https://evil.example/ok/1"), Action.ALLOW, "evil.example/ok"),
        (see(Stage.HTTP, "good.example", url="https://good.example/bad?x"), Action.BLOCK, "good.example/bad"),
        (see(Stage.HTTP, "front.test", url="https://evil.example/"), Action.BLOCK, "evil.example"),
        (see(Stage.HTTP, "good.test", url="http://evil.example\\@good.test/"), Action.BLOCK, "evil.example"),
        (see(Stage.HTTP, "good.test", url="https://good.test@evil.example/"), Action.BLOCK, "evil.example"),
        (see(Stage.HTTP, "good.test", url="https://good.test\t.evil.example/"), Action.BLOCK, "evil.example"),
        (see(Stage.HTTP, "good.test", url="https://good.test:80@evil.example/"), Action.BLOCK, "evil.example"),
        (see(Stage.HTTP, "good.example", url="HTTPS://GOOD.example/%62ad"), Action.BLOCK, "good.example/bad"),
        (see(Stage.DOWNLOAD, "good.test", hashes=("b" * 64, "a" * 64)), Action.BLOCK, "a" * 64),
        (see(Stage.SERVER_CERT, "good.test", certificate="d" * 40), Action.BLOCK, "d" * 40),
    ],
)
def test_every_observable_is_looked_up(seen: Observation, action: Action, indicator: str) -> None:
    verdict = CLASSIFIER.judge(seen, NOW)
    assert verdict.winner is not None
    assert (verdict.action, verdict.winner.value) == (action, indicator)


@pytest.mark.parametrize(
    "seen",
    [
        see(Stage.DNS, "good.test"),
        see(Stage.DNS, "good.test", "x.cdn.test"),
        see(Stage.CONNECTION, "good.test", addresses=(parse_address("198.51.100.1"), parse_address("::1"))),
        see(Stage.CONNECTION, "198.51.100.1"),
        see(Stage.CONNECTION, "2001:db8::1"),
        see(Stage.CONNECTION, "host-1.test2"),
        see(Stage.TLS),
        see(Stage.HTTP, "good.test", url="https://good.test/a?b"),
        see(Stage.HTTP, "good.test", url="https://good.test:8443/a?b"),
        see(Stage.HTTP, "good.example", url="https://good.example/"),
        see(Stage.HTTP, url="https://good.test/"),
        see(Stage.HTTP, "good.test", url="https://"),
        see(Stage.DOWNLOAD, "good.test", hashes=("b" * 64,)),
        see(Stage.SERVER_CERT, "good.test", certificate="e" * 40),
    ],
)
def test_unknown_gets_the_shared_verdict(seen: Observation) -> None:
    assert CLASSIFIER.judge(seen, NOW) is CLEAN


class CountingIndex(MemoryIndex):
    """Count what is asked of a real index."""

    def __init__(self, *entries: object) -> None:
        super().__init__([one for entry in entries for one in parse_indicator(entry, FEED)])  # type: ignore[arg-type]
        self.asked: Counter[str] = Counter()

    def mentions(self, host: str) -> bool:
        self.asked["mentions"] += 1
        return super().mentions(host)

    def on_host(self, host: str) -> tuple[Match, ...]:
        self.asked["on_host"] += 1
        return super().on_host(host)


@pytest.mark.parametrize("url", [None, "https://good.test/a?b"])
def test_a_miss_costs_one_look_into_each_index_that_knows_hosts(url: str | None) -> None:
    some, empty = CountingIndex("evil.example"), CountingIndex()
    classifier = Classifier(empty, [some, empty], PolicySettings())
    assert classifier.judge(see(Stage.HTTP, "good.test", url=url), NOW) is CLEAN
    assert (some.asked, empty.asked) == ({"mentions": 1}, {})


def test_a_url_that_cannot_be_read_is_judged_by_its_host_where_that_is_enough() -> None:
    assert judge(Stage.HTTP, "www.odd.example", url="https://odd.example:99999/").action is Action.WARN
    assert judge(Stage.HTTP, "evil.example", url="https://evil.example:99999/ok").action is Action.BLOCK
    assert judge(Stage.HTTP, "good.test", url="https://good.test:99999/") is CLEAN
    with pytest.raises(ValueError, match="is not a URL"):
        judge(Stage.HTTP, "good.example", url="https://good.example:99999/bad")


def test_bodies_are_asked_for_where_policy_names_them() -> None:
    classifier = Classifier(CUSTOMS, [FEEDS], PolicySettings(bodies=True))
    verdict = classifier.judge(see(Stage.HTTP, "good.test", url="https://good.test/"), NOW)
    assert (verdict.action, verdict.needs, verdict.is_plain_allow) == (Action.ALLOW, Visibility.BODY, True)
    assert classifier.judge(see(Stage.TLS, "good.test"), NOW) is CLEAN


def test_waivers_and_pause_reach_the_decision() -> None:
    waiver = Waiver("phone", "odd.example", "odd.example", NOW + timedelta(hours=1))
    seen = see(Stage.HTTP, "odd.example", url="https://odd.example/")
    assert Classifier(CUSTOMS, [], PolicySettings(), [waiver]).judge(seen, NOW) is CLEAN
    paused = Classifier(CUSTOMS, [], PolicySettings(), (), NOW + timedelta(minutes=5)).judge(seen, NOW)
    assert (paused.action, paused.would) == (Action.ALLOW, Action.WARN)


@pytest.mark.parametrize(
    ("stage", "hosts", "needs"),
    [
        (Stage.DNS, ("good.example",), Visibility.URL),
        (Stage.DNS, ("other.test", "good.example"), None),
        (Stage.CONNECTION, ("other.test", "good.example"), None),
        (Stage.TLS, ("other.test", "good.example"), Visibility.URL),
        (Stage.HTTP, ("good.example",), None),
    ],
)
def test_urls_under_a_host_count_where_a_url_may_name_it(
    stage: Stage, hosts: tuple[str, ...], needs: Visibility | None
) -> None:
    assert judge(stage, *hosts).needs is needs
