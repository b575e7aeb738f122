"""AdGuard rules: each is applied as a whole or skipped with its reason; rules that act on other rules."""

from __future__ import annotations

import pytest

from indicators.feeds.entry import Entry, Why
from indicators.feeds.formats import FORMATS
from tests.support.parsing import brief, entries, one


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ("||evil.example^", ("domain", "evil.example")),
        ("||evil.example", ("domain", "evil.example")),
        ("||EVIL.example^|", ("domain", "evil.example")),
        ("||münchen.example^", ("domain", "xn--mnchen-3ya.example")),
        ("evil.example # note", ("domain", "evil.example")),
        ("||*.evil.example^", ("domain", "evil.example")),
        ("|evil.example^", ("domain=", "evil.example")),
        ("||evil.example^$all", ("domain", "evil.example")),
        ("@@||good.example^", ("domain!", "good.example")),
        ("@@||good.example^$important", ("domain!", "good.example")),
        ("@@good.example", ("domain!", "good.example")),
        ("||8.8.1.1^", ("ip", "8.8.1.1")),
        ("|8.8.1.1^", ("ip", "8.8.1.1")),
        ("||8.8.1.0/24^", ("ip", "8.8.1.0/24")),
        ("||evil.example/a/b$all", ("url", "evil.example/a/b")),
        ("||evil.example/a.py^$all", ("url", "evil.example/a.py")),
        ("||evil.example/a?b=$1", ("url", "evil.example/a?b=$1")),
        ("||evil.example/a|", ("url=", "evil.example/a")),
        ("|https://evil.example/a", ("url", "evil.example/a")),
        ("@@||good.example/a", ("url!", "good.example/a")),
        ("||evil.example^$dnsrewrite=192.0.2.1", ("domain>", "evil.example")),
        ("||evil.example^$dnsrewrite=NOERROR;CNAME;good.example", ("domain>", "evil.example")),
        ("||evil.example^$dnsrewrite=NXDOMAIN;;", ("domain", "evil.example")),
        ("||evil.example^$dnsrewrite=NOERROR;A;0.0.0.0", ("domain", "evil.example")),
        ("0.0.0.0 evil.example", ("domain", "evil.example")),
        ("8.8.1.1 evil.example", ("domain>", "evil.example")),
        ("||evil.example^$dnstype=A|AAAA", ("domain", "evil.example")),
        ("||evil.example^$dnstype=~TXT|~HTTPS", ("domain", "evil.example")),
        ("@@||good.example^$dnstype=aaaa|a", ("domain!", "good.example")),
        ("/ads[0-9]+/", ("pattern", "ads[0-9]+")),
        ("/^ads?\\./$important", ("pattern", "^ads?\\.")),
        ("@@/ads[0-9]+/$important", ("pattern!", "ads[0-9]+")),
    ],
)
def test_a_rule_that_names_something(rule: str, found: tuple[str, str]) -> None:
    assert one("adguard", rule) == found


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("! comment", Why.COMMENT),
        ("[Adblock Plus 2.0]", Why.COMMENT),
        ("/(?=[0-9a-f]*[a-f])[0-9a-f]{8}/", Why.BAD_PATTERN),
        ("/(ad)\\1/", Why.BAD_PATTERN),
        ("/.*/", Why.BAD_PATTERN),
        ("/ads[0-9/", Why.BAD_PATTERN),
        (f"/{'a' * 600}/", Why.BAD_PATTERN),
        ("/((a{1,30}){1,30}b){1,30}/", Why.BAD_PATTERN),
        ("/ads[0-9]+/$dnsrewrite=192.0.2.1", Why.BAD_PATTERN),
        ("/ads[0-9]+/$client=192.168.0.1", Why.CONDITIONAL),
        ("/ads[0-9]+/$denyallow=good.example", Why.CONDITIONAL),
        ("*$denyallow=com|net", Why.PATTERN),
        ("@@||evil.example^$denyallow=good.evil.example", Why.CONDITIONAL),
        ("||evil.example^$dnstype=~A", Why.CONDITIONAL),
        ("||evil.example^$dnstype=HTTPS|SVCB", Why.CONDITIONAL),
        ("||ads.*^", Why.PATTERN),
        ("||ads.", Why.PATTERN),
        ("||evil.example/*/a", Why.PATTERN),
        ("||evil.example^path", Why.PATTERN),
        ("://start.example", Why.PATTERN),
        ("-banner-", Why.NO_DOT),
        ("banner/ad.js", Why.PATTERN),
        ("evil example", Why.PATTERN),
        ("||evil.example^$third-party", Why.CONDITIONAL),
        ("||evil.example^$all,script", Why.CONDITIONAL),
        ("||evil.example^$dnstype=A", Why.CONDITIONAL),
        ("||evil.example^$client=192.168.0.1", Why.CONDITIONAL),
        ("@@||evil.example^$dnsrewrite", Why.CONDITIONAL),
        ("evil.example##.ad", Why.UNSUPPORTED),
        ("evil.example#@#.ad", Why.UNSUPPORTED),
        ("||localhost^", Why.LOCAL_NAME),
        ("||", Why.PATTERN),
        ("@@", Why.PATTERN),
    ],
)
def test_a_rule_that_cannot_be_applied_as_a_whole_is_skipped(rule: str, why: Why) -> None:
    assert one("adguard", rule)[0] == why.value


def test_badfilter_switches_off_the_rule_that_it_repeats_wherever_that_stands() -> None:
    rules = ["||a.example^$badfilter", "||a.example^", "||b.example^$important", "||b.example^$important,badfilter"]
    assert [found[1] for found in brief("adguard", *rules)] == [
        Why.SETTING.value,
        Why.OVERRULED.value,
        Why.OVERRULED.value,
        Why.SETTING.value,
    ]


def test_an_important_rule_overrules_exceptions_at_and_below_it_that_are_not() -> None:
    rules = [
        "@@||good.evil.example^",
        "@@||evil.example/a",
        "@@||vip.evil.example^$important",
        "@@||other.example^",
        "||evil.example^$important",
    ]
    assert [found[1:] for found in brief("adguard", *rules)] == [
        (Why.OVERRULED.value, rules[0]),
        (Why.OVERRULED.value, rules[1]),
        ("domain!", "vip.evil.example"),
        ("domain!", "other.example"),
        ("domain", "evil.example"),
    ]


def test_denyallow_excepts_what_it_names_below_the_rule_unless_another_rule_blocks_that() -> None:
    rules = [
        "||evil.example^$denyallow=good.evil.example|bad.evil.example|a.worse.evil.example|elsewhere.example",
        "||bad.evil.example^",
        "||worse.evil.example^",
    ]
    assert brief("adguard", *rules) == [
        (1, "domain", "evil.example"),
        (1, "domain!", "good.evil.example"),
        (2, "domain", "bad.evil.example"),
        (3, "domain", "worse.evil.example"),
    ]


def test_a_list_may_hold_a_thousand_expressions() -> None:
    found = brief("adguard", *(f"/^ads{number}\\./" for number in range(1003)))
    assert [one[1] for one in found] == ["pattern"] * 1000 + [Why.BAD_PATTERN.value] * 3


@pytest.mark.parametrize(
    ("rule", "target"),
    [
        ("||evil.example^$dnsrewrite=192.0.2.1", "192.0.2.1"),
        ("||evil.example^$dnsrewrite=NOERROR;AAAA;2001:DB8::1", "2001:db8::1"),
        ("||evil.example^$dnsrewrite=NOERROR;CNAME;good.example", ""),
        ("||evil.example^$dnsrewrite=NXDOMAIN;;", ""),
        ("192.0.2.9 pinned.example", "192.0.2.9"),
    ],
)
def test_the_address_of_a_rewrite_is_kept(rule: str, target: str) -> None:
    (found,) = FORMATS["adguard"].parse([rule])
    assert isinstance(found, Entry)
    assert found.target == target


def test_the_sample() -> None:
    assert entries("adguard", "adguard_dns.txt") == [
        (5, "domain", "evil.example"),
        (7, "domain!", "vip.evil.example"),
        (9, "domain=", "exact.example"),
        (11, "domain", "ample.org"),
        (13, "domain", "wild.example"),
        (17, "domain>", "rewrite.example"),
        (18, "domain>", "rewrite.example"),
        (19, "domain", "nx.example"),
        (20, "domain>", "cname.example"),
        (27, "domain", "hosts.example"),
        (27, "domain", "hosts2.example"),
        (28, "domain>", "pinned.example"),
        (29, "domain", "plain.example"),
        (31, "url", "evil.example/path/only.exe"),
    ]
