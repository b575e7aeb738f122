"""What no feed may block as a whole: each guard on its own row, with its words."""

from __future__ import annotations

from hashlib import sha256

import pytest

from indicators.classifier import Classifier
from indicators.feeds.entry import Entry, FeedOnly
from indicators.guards import Guard, Guards, explain, extended, load, popular_name
from indicators.indicator import Origin
from indicators.memory_index import MemoryIndex
from indicators.observation import Device, Observation
from indicators.rules import parse_indicator
from indicators.settings import PolicySettings
from indicators.snapshot.profiles import FeedNote, Profile
from indicators.snapshot.reader import Snapshot
from indicators.snapshot.tables import Row
from indicators.snapshot.writer import build
from indicators.words import Action, IndicatorType, Stage
from tests.support.snapshots import BUILT

GUARDS = Guards(load())


@pytest.mark.parametrize(
    ("type_", "value", "guard"),
    [
        ("domain", "com", Guard.PUBLIC_SUFFIX),
        ("domain", "co.uk", Guard.PUBLIC_SUFFIX),
        ("domain", "github.io", Guard.PUBLIC_SUFFIX),
        ("url", "blogspot.com/", Guard.PUBLIC_SUFFIX),
        ("domain", "evil.github.io", None),
        ("url", "evil.github.io/", None),
        ("url", "bit.ly/", Guard.LINK_SHORTENER),
        ("url", "www.bit.ly/", Guard.LINK_SHORTENER),
        ("url", "bit.ly/3abc", None),
        ("url", "docs.google.com/", Guard.SHARED_HOSTING),
        ("url", "google.com/", Guard.TOP_RANKED),
        ("url", "cdn.jsdelivr.net/", Guard.TOP_RANKED),
        ("url", "github.com/user/x.exe", None),
        ("domain", "github.com", Guard.SHARED_HOSTING),
        ("domain", "www.dropbox.com", Guard.SHARED_HOSTING),
        ("domain", "rebrand.ly", Guard.LINK_SHORTENER),
        ("domain", "google.com", Guard.SINGLE_FEED),
        ("domain", "dns.google", Guard.PUBLIC_DNS),
        ("domain", "evil.example", None),
        ("url", "evil.example/", None),
        ("ip", "1.1.1.1", Guard.PUBLIC_DNS),
        ("ip", "2620:fe::fe", Guard.PUBLIC_DNS),
        ("ip", "104.16.0.1", Guard.SHARED_ADDRESS),
        ("ip", "104.16.0.0/24", Guard.SHARED_ADDRESS),
        ("ip", "2606:4700::77", Guard.SHARED_ADDRESS),
        ("ip", "104.0.0.0/9", Guard.SHARED_ADDRESS),
        ("ip", "8.8.8.0/24", Guard.PUBLIC_DNS),
        ("ip", "2620:fe::/48", Guard.PUBLIC_DNS),
        ("ip", "5.6.7.0/24", None),
        ("domain", "cloudsigma.com", Guard.SINGLE_FEED),
        ("url", "cloudsigma.com/", Guard.TOP_RANKED),
        ("ip", "5.6.7.8", None),
        ("md5", "d41d8cd98f00b204e9800998ecf8427e", Guard.COMMON_FILE),
        ("md5", "0" * 32, None),
    ],
)
def test_each_guard_on_its_row(type_: str, value: str, guard: Guard | None) -> None:
    assert GUARDS.on(Entry(1, IndicatorType(type_), value)) is guard


@pytest.mark.parametrize("action", [Action.ALLOW, Action.AUDIT])
def test_what_blocks_nothing_needs_no_guard(action: Action) -> None:
    assert GUARDS.on(Entry(1, IndicatorType.DOMAIN, "com", action=action)) is None


def test_a_name_alone_covers_nothing_below_it() -> None:
    lists = extended(load(), never_block=["mail.company.example"], top_hosts=["cdn.portal.example"])
    for name in ("company.example", "portal.example"):
        assert Guards(lists).on(Entry(1, IndicatorType.DOMAIN, name, exact=True)) is None


def test_an_exact_root_page_is_no_whole_host() -> None:
    assert GUARDS.on(Entry(1, IndicatorType.URL, "bit.ly/", exact=True)) is None


@pytest.mark.parametrize("guard", list(Guard))
def test_every_guard_says_why_in_words(guard: Guard) -> None:
    text = explain(guard.value, "bit.ly/")
    assert len(text) > 20
    assert "bit.ly/" not in text


def test_an_unknown_guard_is_named_as_it_is() -> None:
    assert explain("later_version", "x") == "later_version"


def test_lists_are_canonical_and_their_digest_tells_changes() -> None:
    lists = load()
    hosts = lists.top_ranked | lists.shared_hosting | lists.link_shorteners
    assert len(lists.top_ranked) > 10_000
    assert all(host == host.lower().strip(".") and host == popular_name(host) for host in lists.shared_hosting)
    assert all("." in host for host in hosts)
    assert len(lists.digest) == 64


@pytest.mark.parametrize(
    ("key", "host", "entry", "guard"),
    [
        ("shared_hosts", "files.partner.example", ("url", "files.partner.example/"), Guard.SHARED_HOSTING),
        ("shorteners", "*.Go.example.", ("url", "www.go.example/"), Guard.LINK_SHORTENER),
        ("top_hosts", "portal.example", ("domain", "portal.example"), Guard.SINGLE_FEED),
        ("never_block", "company.example", ("domain", "mail.company.example"), Guard.NEVER_BLOCK),
        ("never_block", "company.example", ("url", "company.example/a/b"), Guard.NEVER_BLOCK),
        ("never_block", "company.example", ("url", "company.example/"), Guard.NEVER_BLOCK),
        ("never_block", "company.example", ("domain", "other.example"), None),
        ("never_block", "mail.company.example", ("domain", "company.example"), Guard.NEVER_BLOCK),
        ("never_block", "mail.company.example", ("url", "company.example/"), Guard.NEVER_BLOCK),
        ("never_block", "mail.company.example", ("domain", "ftp.company.example"), None),
        ("top_hosts", "cdn.portal.example", ("domain", "portal.example"), Guard.SINGLE_FEED),
    ],
)
def test_a_users_hosts_are_guarded_too(key: str, host: str, entry: tuple[str, str], guard: Guard | None) -> None:
    lists = extended(load(), **{key: [host]})  # type: ignore[arg-type]
    assert Guards(lists).on(Entry(1, IndicatorType(entry[0]), entry[1])) is guard
    assert lists.digest != load().digest
    assert extended(load()) == load()
    assert "company" in explain(Guard.NEVER_BLOCK, "company.example")


def test_a_host_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="evil example"):
        extended(load(), top_hosts=["evil example"])


@pytest.mark.parametrize(
    ("pattern", "guard"),
    [
        (r"^goo.*e\.com$", Guard.TOP_RANKED),
        (r"\.com$", Guard.TOP_RANKED),
        (r"^www\.github\.", Guard.TOP_RANKED),
        (r"evil-[a-z]{5}", None),
        (r"com\nfacebook", None),
    ],
)
def test_an_expression_that_a_popular_host_meets_is_held_back(pattern: str, guard: Guard | None) -> None:
    assert GUARDS.on(Entry(1, FeedOnly.PATTERN, pattern)) is guard


@pytest.mark.parametrize("digits", [8, 16, 32, 64])
def test_a_hash_of_a_whole_popular_host_is_held_back_and_so_are_four_bytes(digits: int) -> None:
    popular = sha256(b"github.com/").hexdigest()[:digits]
    other = sha256(b"evil.example/").hexdigest()[:digits]
    assert GUARDS.on(Entry(1, FeedOnly.URL_HASH, popular)) is (
        Guard.HASH_PREFIX if digits == 8 else Guard.SHARED_HOSTING
    )
    assert GUARDS.on(Entry(1, FeedOnly.URL_HASH, other)) is (Guard.HASH_PREFIX if digits == 8 else None)


@pytest.mark.parametrize("guard", list(Guard))
def test_a_custom_indicator_overrides_every_guard(guard: Guard) -> None:
    """What a feed may not block, a person may: each guard lowers the feed's entry, and never the custom one."""
    profile = Profile(0, "domain", Action.BLOCK, Action.AUDIT, guard=guard)
    rows = [Row("n", "com.github.", 0, 7)]
    snapshot = Snapshot(build(lambda: rows, [FeedNote("list")], [profile], BUILT, "test").content)
    custom = MemoryIndex(parse_indicator("github.com", Origin("custom", custom=True, place="config.yaml", line=2)))
    seen = Observation(Stage.DNS, Device("d", "d"), ("github.com",))
    alone = Classifier(MemoryIndex(), [snapshot], PolicySettings()).judge(seen, BUILT)
    both = Classifier(custom, [snapshot], PolicySettings()).judge(seen, BUILT)
    assert (alone.action, both.action) == (Action.AUDIT, Action.BLOCK)
    assert explain(guard, "github.com") in alone.reason
