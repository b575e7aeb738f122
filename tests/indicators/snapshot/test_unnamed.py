"""Expressions and hash lists in a snapshot: what they meet, what guards leave of them, what they cost others."""

from __future__ import annotations

from hashlib import sha256

import pytest

from indicators.addresses import parse_address
from indicators.classifier import Classifier
from indicators.memory_index import MemoryIndex
from indicators.observation import Device, Observation
from indicators.rules import parse_indicator
from indicators.settings import PolicySettings
from indicators.snapshot.profiles import FeedNote, Profile
from indicators.snapshot.reader import Snapshot
from indicators.snapshot.tables import Row, Table
from indicators.snapshot.writer import build
from indicators.urls import canonical
from indicators.verdict import Match, Scope
from indicators.words import Action, IndicatorType, Stage
from tests.indicators.test_classifier import CUSTOM, NOW
from tests.support.snapshots import BUILT

BLOCKS = Profile(0, "url_hash", Action.BLOCK, Action.BLOCK)
WEAK = Profile(0, "url_hash", Action.BLOCK, Action.AUDIT, guard="hash_prefix")
MATCHES = Profile(0, "pattern", Action.BLOCK, Action.BLOCK)
EXCEPTS = Profile(0, "pattern", Action.ALLOW, Action.ALLOW)
NAMED = Profile(0, "domain", Action.BLOCK, Action.BLOCK)
PROFILES = [BLOCKS, WEAK, MATCHES, EXCEPTS, NAMED]


def opened(*rows: tuple[Profile, str]) -> Snapshot:
    tables = {"url_hash": Table.URL_HASH, "pattern": Table.PATTERN, "domain": Table.NAME}
    made = [
        Row(tables[profile.type].value, key, PROFILES.index(profile), line)
        for line, (profile, key) in enumerate(rows, 1)
    ]
    return Snapshot(build(lambda: made, [FeedNote("list")], PROFILES, BUILT, "test").content)


def hashed(expression: str, length: int = 32) -> str:
    return sha256(expression.encode()).hexdigest()[: 2 * length]


def told(matches: tuple[Match, ...]) -> list[tuple[str, IndicatorType, Scope, int, Action]]:
    return [(m.indicator.value, m.indicator.type, m.scope, m.indicator.origin.line, m.action) for m in matches]


@pytest.mark.parametrize("length", [4, 8, 16, 32])
def test_a_hash_of_a_host_counts_for_it_and_all_below_it(length: int) -> None:
    snapshot = opened((BLOCKS, hashed("evil.example/", length)))
    url = IndicatorType.URL
    assert told(snapshot.on_host("evil.example")) == [("evil.example/", url, Scope.EXACT_HOST, 1, Action.BLOCK)]
    assert told(snapshot.on_host("a.evil.example")) == [("evil.example/", url, Scope.PARENT_DOMAIN, 1, Action.BLOCK)]
    assert snapshot.on_host("good.example") == snapshot.on_url(canonical("http://evil.example/")) == ()
    assert snapshot.mentions("anything.example")
    assert snapshot.counts().urls == 1


@pytest.mark.parametrize(
    ("url", "hit"),
    [
        ("http://evil.example/a/b.html", True),
        ("https://www.evil.example:8443/a/b.html?x=1", True),
        ("https://evil.example/a/b.htm", False),
        ("https://evil.example/a/", False),
    ],
)
def test_a_hash_of_a_url_is_met_by_its_expressions(url: str, hit: bool) -> None:
    snapshot = opened((BLOCKS, hashed("evil.example/a/b.html")))
    found = told(snapshot.on_url(canonical(url)))
    assert found == [("evil.example/a/b.html", IndicatorType.URL, Scope.URL, 1, Action.BLOCK)] * hit
    assert snapshot.on_host("evil.example") == ()
    assert snapshot.urls_under("evil.example") == ()


def test_four_bytes_alone_are_recorded_without_an_alert_and_the_full_hash_confirms_them() -> None:
    weak = opened((WEAK, hashed("evil.example/", 4)))
    (match,) = weak.on_host("evil.example")
    assert (match.action, match.indicator.generate_alert) == (Action.AUDIT, False)
    assert "four bytes" in match.guard
    both = opened((WEAK, hashed("evil.example/", 4)), (BLOCKS, hashed("evil.example/")))
    assert [m.action for m in both.on_host("evil.example")] == [Action.BLOCK, Action.AUDIT]


def test_an_expression_is_met_by_whole_hosts_and_tells_its_line() -> None:
    snapshot = opened((NAMED, "example.named."), (MATCHES, r'"^ads?[0-9]*\\."'), (EXCEPTS, '"good"'))
    assert told(snapshot.on_host("ads12.shop.example")) == [
        ("ads12.shop.example", IndicatorType.DOMAIN, Scope.EXACT_HOST, 2, Action.BLOCK)
    ]
    assert [m.action for m in snapshot.on_host("ads.good.example")] == [Action.BLOCK, Action.ALLOW]
    assert told(snapshot.on_host("named.example"))[0][0] == "named.example"
    assert snapshot.mentions("ads.example")
    assert not snapshot.mentions("loads.example")
    assert snapshot.on_host("8.8.1.1") == snapshot.on_address(parse_address("8.8.1.1")) == ()
    assert snapshot.counts().hosts == 3


def test_an_expression_never_blocks_a_public_suffix() -> None:
    (match,) = opened((MATCHES, '"blogspot"')).on_host("blogspot.com")
    assert match.action is Action.AUDIT
    assert "public suffix" in match.guard


def test_hundreds_of_expressions_are_asked_at_once() -> None:
    snapshot = opened(*((MATCHES, f'"^host{number}-"') for number in range(250)))
    assert told(snapshot.on_host("host249-x.example"))[0][3] == 250
    assert told(snapshot.on_host("host1-x.example"))[0][3] == 2


def test_a_glance_leaves_to_judgement_what_expressions_and_hashes_may_meet() -> None:
    snapshot = opened((NAMED, "example.evil."), (MATCHES, '"^evil"'))
    assert snapshot.glance("evil.example") is None
    assert snapshot.glance("www.evil.example") is not None
    assert opened((NAMED, "example.evil."), (BLOCKS, hashed("x/"))).glance("evil.example") is None


def test_through_the_classifier_a_custom_allow_outranks_them() -> None:
    snapshot = opened((BLOCKS, hashed("evil.example/login")), (MATCHES, '"^ads"'))
    custom = MemoryIndex(parse_indicator({"allow": "ads.mine.example"}, CUSTOM))
    classifier = Classifier(custom, [snapshot], PolicySettings())

    def judged(stage: Stage, host: str, url: str | None = None) -> Action:
        return classifier.judge(Observation(stage, Device("d", "d"), (host,), url=url), NOW).action

    assert judged(Stage.HTTP, "evil.example", "https://evil.example/login?x=1") is Action.BLOCK
    assert judged(Stage.HTTP, "evil.example", "https://evil.example/") is Action.ALLOW
    assert judged(Stage.DNS, "evil.example") is Action.ALLOW
    assert judged(Stage.DNS, "ads.other.example") is Action.BLOCK
    assert judged(Stage.DNS, "ads.mine.example") is Action.ALLOW
