"""What no feed may block as a whole: each guard on its own row, with its words."""

from __future__ import annotations

import pytest

from indicators.feeds.entry import Entry
from indicators.guards import Guard, Guards, explain, load, popular_name
from indicators.words import Action, IndicatorType

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
        ("domain", "github.com", Guard.SINGLE_FEED),
        ("domain", "www.dropbox.com", Guard.SINGLE_FEED),
        ("domain", "rebrand.ly", Guard.SINGLE_FEED),
        ("domain", "dns.google", Guard.SINGLE_FEED),
        ("domain", "evil.example", None),
        ("url", "evil.example/", None),
        ("ip", "1.1.1.1", Guard.PUBLIC_DNS),
        ("ip", "2620:fe::fe", Guard.PUBLIC_DNS),
        ("ip", "104.16.0.1", Guard.SHARED_ADDRESS),
        ("ip", "104.16.0.0/24", Guard.SHARED_ADDRESS),
        ("ip", "2606:4700::77", Guard.SHARED_ADDRESS),
        ("ip", "104.0.0.0/9", None),
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
