"""Policy zones: each trigger and action, what a zone remembers from line to line, and what a wildcard leaves out."""

from __future__ import annotations

import pytest

from indicators.feeds.entry import Why
from tests.support.parsing import brief, entries, one


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("evil.example CNAME .", ("domain=", "evil.example")),
        ("Evil.Example 300 IN CNAME *. ; note", ("domain=", "evil.example")),
        ("evil.example IN 5m CNAME rpz-drop.", ("domain=", "evil.example")),
        ("good.example CNAME rpz-passthru.", ("domain!=", "good.example")),
        ("good.example CNAME good.example.", ("domain!=", "good.example")),
        ("evil.example CNAME garden.test.", ("domain=>", "evil.example")),
        ("evil.example A 8.8.1.1", ("domain=>", "evil.example")),
        ("evil.example A 0.0.0.0", ("domain=", "evil.example")),
        ('evil.example TXT "a ; b"', ("domain=", "evil.example")),
        ("32.1.1.8.8.rpz-ip CNAME .", ("ip", "8.8.1.1")),
        ("24.0.1.8.8.rpz-ip CNAME rpz-passthru.", ("ip!", "8.8.1.0/24")),
        ("128.1.zz.4700.2606.rpz-ip CNAME .", ("ip", "2606:4700::1")),
        ("32.zz.4700.2606.rpz-ip CNAME .", ("ip", "2606:4700::/32")),
        ("8.8.1.1 CNAME .", ("ip", "8.8.1.1")),
    ],
)
def test_a_record(line: str, found: tuple[str, str]) -> None:
    assert one("rpz", line) == found


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("1.0.164.165.rpz-ip CNAME .", Why.NOT_AN_ADDRESS),  # without its length it could be read in two ways
        ("x.rpz-ip CNAME .", Why.NOT_AN_ADDRESS),
        ("33.1.1.8.8.rpz-ip CNAME .", Why.NOT_AN_ADDRESS),
        ("24.0.1.168.192.rpz-client-ip CNAME .", Why.UNSUPPORTED),
        ("ns.evil.example.rpz-nsdname CNAME .", Why.UNSUPPORTED),
        ("32.1.1.8.8.rpz-nsip CNAME .", Why.UNSUPPORTED),
        ("evil.example CNAME rpz-tcp-only.", Why.UNSUPPORTED),
        ("a.*.example CNAME .", Why.PATTERN),
        ("com CNAME .", Why.NO_DOT),
        (".".join(["abcdefg"] * 40) + " CNAME .", Why.NOT_A_HOST),
        ("evil.example", Why.MALFORMED),
        ("$TTL 300", Why.SETTING),
        ("@ NS localhost.", Why.SETTING),
        ("; note", Why.COMMENT),
        ("\n", Why.BLANK),
        ("x" * 20000, Why.TOO_LONG),
    ],
)
def test_what_is_no_entry(line: str, why: Why) -> None:
    assert one("rpz", line)[0] == why.value


def test_a_wildcard_leaves_out_its_own_name_unless_the_zone_covers_it() -> None:
    zone = ["*.a.example CNAME .", "*.b.example CNAME .", "b.example CNAME .", "*.c.b.example CNAME ."]
    assert brief("rpz", *zone) == [
        (1, "domain", "a.example"),
        (1, "domain!=", "a.example"),
        (2, "domain", "b.example"),
        (3, "domain=", "b.example"),
        (4, "domain", "c.b.example"),
    ]


def test_an_owner_is_relative_to_the_origin_and_is_inherited() -> None:
    zone = ["rpz.local. SOA localhost. root.localhost. (", " 1 2 3", " 4 5 )", "evil.example.rpz.local. A 0.0.0.0"]
    zone += ["  AAAA ::", "$ORIGIN other.local.", "evil.test.other.local. CNAME .", "plain.example. CNAME ."]
    assert [found[1:] for found in brief("rpz", *zone) if found[1] == "domain="] == [
        ("domain=", "evil.example"),
        ("domain=", "evil.example"),
        ("domain=", "evil.test"),
        ("domain=", "plain.example"),
    ]


def test_the_sample() -> None:
    assert [found[1:] for found in entries("rpz", "rpz.zone")] == [
        ("domain=", "nx.example"),
        ("domain", "nx.example"),
        ("domain=", "nodata.example"),
        ("domain!=", "pass.example"),
        ("domain!=", "old-pass.example"),
        ("domain=", "drop.example"),
        ("domain=>", "garden.example"),
        ("domain>", "garden2.example"),
        ("domain!=", "garden2.example"),
        ("domain=>", "local.example"),
        ("domain=>", "local.example"),
        ("domain=", "local.example"),
    ]


SERVERS = {
    "transferred, every name whole": [
        "rpz.local. 300 IN SOA a. b. 1 2 3 4 5",
        "evil.test.rpz.local. 60 IN CNAME .",
        "Evil.Example.RPZ.Local. 60 IN CNAME .",
        "32.1.1.8.8.rpz-ip.rpz.local. 60 IN CNAME .",
    ],
    "written by BIND, from the root": [
        "$ORIGIN .",
        "rpz.local IN SOA a. b. ( 1 2 3 4 5 )",
        "$ORIGIN test.rpz.local.",
        "evil CNAME .",
        "$ORIGIN example.rpz.local.",
        "evil CNAME .",
        "$ORIGIN 1.1.8.8.rpz-ip.rpz.local.",
        "32 CNAME .",
    ],
    "written by BIND, below": [
        "$ORIGIN rpz.local.",
        "@ SOA a. b. 1 2 3 4 5",
        "evil.test CNAME .",
        "$ORIGIN evil.example.rpz.local.",
        "@ CNAME .",
        "$ORIGIN rpz-ip.rpz.local.",
        "32.1.1.8.8 CNAME .",
    ],
    "origins relative to each other": [
        "$ORIGIN local.",
        "rpz SOA a. b. 1 2 3 4 5",
        "$ORIGIN rpz.local.",
        "evil.test CNAME .",
        "$ORIGIN example",
        "evil CNAME .",
        "32.1.1.8.8.rpz-ip.rpz.local. CNAME .",
    ],
    "names below the root": [
        "$ORIGIN .",
        "rpz.local SOA a. b. 1 2 3 4 5",
        "evil.test.rpz.local CNAME .",
        "evil.example.rpz.local CNAME .",
        "32.1.1.8.8.rpz-ip.rpz.local CNAME .",
    ],
}


@pytest.mark.parametrize("zone", SERVERS.values(), ids=SERVERS)
def test_a_zone_is_read_however_a_server_writes_it(zone: list[str]) -> None:
    assert [found[1:] for found in brief("rpz", *zone) if found[1] in ("domain=", "ip")] == [
        ("domain=", "evil.test"),
        ("domain=", "evil.example"),
        ("ip", "8.8.1.1"),
    ]
