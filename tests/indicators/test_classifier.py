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
from indicators.snapshot.reader import Snapshot
from indicators.verdict import CLEAN, Match, Pending, Verdict
from indicators.words import Action, IndicatorType, Mode, Stage, Visibility
from tests.support.snapshots import compile_indicators

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
def test_a_miss_costs_no_look_into_a_small_index_but_where_names_end_alike(url: str | None) -> None:
    some, empty = CountingIndex("evil.good.test"), CountingIndex()
    classifier = Classifier(empty, [some, empty], PolicySettings())
    assert classifier.judge(see(Stage.HTTP, "good.example", url=url and url.replace("test", "example")), NOW) is CLEAN
    assert (some.asked, empty.asked) == ({}, {})
    assert classifier.judge(see(Stage.HTTP, "good.test", url=url), NOW) is CLEAN
    assert (some.asked, empty.asked) == ({"mentions": 1}, {})
    broad = CountingIndex("zip")
    assert Classifier(empty, [broad], PolicySettings()).judge(see(Stage.HTTP, "good.test"), NOW) is CLEAN
    assert broad.asked == {"mentions": 1}


LISTED = [
    one
    for feed, rules in {
        "f1": ["evil.example", "twice.example", {"warn": "odd.example"}, "under.example/bad", "under.example"],
        "f2": ["twice.example", "sub.evil2.example", "other.example/bad", {"allow": "spared.example"}, "ours.example"],
        "f3": ["deep.evil.example", {"audit": "seen.example"}, "bad.seen.example", {"audit": "rec.evil.example"}],
        "f4": [
            {"allow": "fine.evil.example"},
            {"warn": "warned.evil.example"},
            "path.evil.example/bad",
            "spared.example",
        ],
    }.items()
    for rule in rules
    for one in parse_indicator(rule, Origin(feed, custom=False, place=feed))  # type: ignore[arg-type]
] + [
    Indicator("only.example", IndicatorType.DOMAIN, Action.BLOCK, FEED, exact=True),
    Indicator("ends.example", IndicatorType.DOMAIN, Action.BLOCK, FEED, expiration=NOW + timedelta(days=1)),
]


class LongWay(Snapshot):
    """A snapshot with which everything is weighed."""

    plain_block = None  # type: ignore[assignment]


@pytest.mark.parametrize("stage", [Stage.DNS, Stage.TLS, Stage.HTTP])
@pytest.mark.parametrize(
    "host",
    "evil.example www.evil.example twice.example odd.example under.example a.under.example evil2.example "
    "x.sub.evil2.example other.example spared.example only.example www.only.example ends.example ours.example "
    "good.example deep.evil.example a.deep.evil.example seen.example bad.seen.example rec.evil.example "
    "fine.evil.example warned.evil.example path.evil.example".split(),
)
@pytest.mark.parametrize("settings", [PolicySettings(), PolicySettings(mode=Mode.AUDIT), PolicySettings(bodies=True)])
def test_a_verdict_whose_evidence_waits_is_the_one_that_weighing_gives(
    host: str, stage: Stage, settings: PolicySettings
) -> None:
    content = compile_indicators(LISTED).content
    custom = index({"warn": "ours.example"})
    short, long = (Classifier(custom, [CUSTOMS, one(content)], settings) for one in (Snapshot, LongWay))
    for more in (
        {},
        {"url": f"https://{host}/bad"},
        {"url": f"https://{host}:99999/"},
        {"url": "https://ours.example/"},
        {"addresses": (parse_address("192.0.2.7"),)},
        {"reach": Visibility.DNS},
    ):
        seen = see(stage, host, **more)
        try:
            expected = long.judge(seen, NOW)
        except ValueError:
            with pytest.raises(ValueError, match=r"."):
                short.judge(seen, NOW)
            continue
        got = short.judge(seen, NOW)
        told = (got.action, got.alert, got.final, got.needs, got.stops, got.always_inspect, got.rewrite)
        assert told == (
            *(expected.action, expected.alert, expected.final, expected.needs, expected.stops),
            *(expected.always_inspect, expected.rewrite),
        )
        assert got == expected


def test_evidence_waits_where_blocks_are_all_there_is() -> None:
    classifier = Classifier(index("ours.example"), [Snapshot(compile_indicators(LISTED).content)], PolicySettings())
    asked = (
        "evil.example www.evil.example twice.example under.example ends.example deep.evil.example seen.example "
        "bad.seen.example rec.evil.example fine.evil.example warned.evil.example path.evil.example".split()
    )
    waiting = [host for host in asked if type(classifier.judge(see(Stage.DNS, host), NOW)) is Pending]
    assert waiting == [
        *("evil.example", "www.evil.example", "twice.example", "deep.evil.example", "bad.seen.example"),
        "rec.evil.example",
    ]
    paused = Classifier(
        index(), [Snapshot(compile_indicators(LISTED).content)], PolicySettings(), paused_until=NOW + timedelta(hours=1)
    )
    assert type(paused.judge(see(Stage.DNS, "evil.example"), NOW)) is Verdict


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


@pytest.mark.parametrize(
    ("hash_", "settings", "action", "would"),
    [
        ("c" * 64, PolicySettings(), Action.BLOCK, None),
        ("c" * 64, PolicySettings(mode=Mode.AUDIT), Action.ALLOW, Action.BLOCK),
        ("b" * 64, PolicySettings(), Action.ALLOW, None),
    ],
    ids=["alone", "in audit mode", "a custom allow of the hash outranks it"],
)
def test_what_a_scan_found_is_ranked_as_a_feeds_entry(
    hash_: str, settings: PolicySettings, action: Action, would: Action | None
) -> None:
    scan = Origin("scan", custom=False)
    found = Indicator(hash_, IndicatorType.SHA256, Action.BLOCK, scan, title="Eicar")
    classifier = Classifier(index({"allow": "b" * 64}), [], settings)
    seen = see(Stage.DOWNLOAD, "shop.test", url="https://shop.test/a.exe", hashes=(hash_,), findings=(found,))
    verdict = classifier.judge(seen, NOW)
    assert (verdict.action, verdict.would) == (action, would)
    assert found in [match.indicator for match in verdict.matches]


def test_an_expired_finding_does_not_exist() -> None:
    old = Indicator("c" * 64, IndicatorType.SHA256, Action.BLOCK, Origin("scan", custom=False), expiration=NOW)
    verdict = CLASSIFIER.judge(see(Stage.DOWNLOAD, "shop.test", findings=(old,)), NOW)
    assert verdict.action is Action.ALLOW
    assert verdict.matches == ()
