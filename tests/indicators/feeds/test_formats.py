"""Every parser: dirty input becomes a canonical entry or a skipped line with its reason, and none is lost."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indicators.feeds.entry import MAX_SAMPLE, Entry, Skipped, Why
from indicators.feeds.formats import FORMATS, recognise
from indicators.hosts import canonical_host
from indicators.urls import canonical
from indicators.words import IndicatorType

SAMPLES = Path(__file__).parents[2] / "data" / "feeds"


def parsed(format_: str, *lines: str) -> list[tuple[int, str, str]]:
    """Return (line, kind or reason, value or text) of each outcome."""
    return [
        (one.line, one.type.value, one.value) if isinstance(one, Entry) else (one.line, one.why.value, one.text)
        for one in FORMATS[format_].parse(lines)
    ]


def one(format_: str, line: str) -> tuple[str, str]:
    outcomes = parsed(format_, line)
    assert len(outcomes) == 1
    return outcomes[0][1:]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("evil.example", "evil.example"),
        ("\ufeffEVIL.Example.\r\n", "evil.example"),
        ("*.evil.example", "evil.example"),
        (".evil.example", "evil.example"),
        ("evil[.]example", "evil.example"),
        ("evil(dot)example", "evil.example"),
        ("evil{.}example", "evil.example"),
        ("evil.example:8443", "evil.example"),
        ("evil.example # inline", "evil.example"),
        ("\tevil.example\t", "evil.example"),
        ("münchen.example", "xn--mnchen-3ya.example"),
        ("under_score.example", "under_score.example"),
        ("1.2.3.4.example", "1.2.3.4.example"),
    ],
)
def test_a_domain_is_made_canonical(line: str, value: str) -> None:
    assert one("domains", line) == ("domain", value)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("", Why.BLANK),
        ("\ufeff\r\n", Why.BLANK),
        ("# comment", Why.COMMENT),
        ("! comment", Why.COMMENT),
        ("com", Why.NO_DOT),
        ("localhost", Why.LOCAL_NAME),
        ("printer.local", Why.LOCAL_NAME),
        ("router.home.arpa", Why.LOCAL_NAME),
        ("evil.exam…", Why.CUT_SHORT),
        ("evil.exam...", Why.CUT_SHORT),
        ("evil example", Why.NOT_A_HOST),
        ("evil.example'", Why.NOT_A_HOST),
        ("user@evil.example", Why.NOT_A_HOST),
        ("a" * 64 + ".example", Why.NOT_A_HOST),
        (".".join(["abcdefg"] * 40), Why.NOT_A_HOST),
        ("192.168.0.1", Why.SPECIAL_ADDRESS),
        ("0x7f.1", Why.SPECIAL_ADDRESS),
        ("x" * 20000, Why.TOO_LONG),
    ],
)
def test_what_is_no_domain_is_skipped_with_its_reason(line: str, why: Why) -> None:
    assert one("domains", line)[0] == why.value


def test_a_domain_list_may_hold_addresses_networks_and_paths() -> None:
    lines = ["*.1.13.187.97", "1.2.3.0/24", "github.com/a/b", "http://evil.example/", "2606:4700::1"]
    assert [found[1:] for found in parsed("domains", *lines)] == [
        ("ip", "1.13.187.97"),
        ("ip", "1.2.3.0/24"),
        ("url", "github.com/a/b"),
        ("url", "evil.example/"),
        ("ip", "2606:4700::1"),
    ]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("http://evil.example/a?b=1", ("url", "evil.example/a?b=1")),
        ("hxxps://evil[.]example:8080/a", ("url", "evil.example/a")),
        ("hXXp[://]evil[.]example/a", ("url", "evil.example/a")),
        ("HTTPS://EVIL.example./A", ("url", "evil.example/A")),
        ("https://bank.example@evil.example/", ("url", "evil.example/")),
        ("http://bank.example\\@evil.example/", ("url", "bank.example/@evil.example/")),
        ("evil.example/path", ("url", "evil.example/path")),
        ("https://evil.example", ("url", "evil.example/")),
        ("https://evil.example/#x", ("url", "evil.example/")),
        ("https://evil.example/?q", ("url", "evil.example/?q")),
        ('"http://evil.example/a"', ("url", "evil.example/a")),
        ("http://evil.example/a;b # note", ("url", "evil.example/a;b")),
        ("http://8.8.1.1:38010/", ("ip", "8.8.1.1")),
        ("http://8.8.1.1:38010/i", ("url", "8.8.1.1/i")),
        ("http://[2606:4700::5]/i", ("url", "2606:4700::5/i")),
        ("http://192.168.1.1/i", (Why.SPECIAL_ADDRESS.value, "http://192.168.1.1/i")),
        ("http://localhost/i", (Why.LOCAL_NAME.value, "http://localhost/i")),
        ("http://netflix/i", (Why.NO_DOT.value, "http://netflix/i")),
        ("mailto:a@evil.example", (Why.NOT_A_URL.value, "mailto:a@evil.example")),
        ("http://", (Why.NOT_A_URL.value, "http://")),
        ("http://evil.example/a…", (Why.CUT_SHORT.value, "http://evil.example/a…")),
    ],
)
def test_a_url_is_what_a_browser_would_open(line: str, found: tuple[str, str]) -> None:
    assert one("urls", line) == found


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("8.8.1.1", ("ip", "8.8.1.1")),
        ("8.8.1.1:8080", ("ip", "8.8.1.1")),
        ("8[.]8[.]1[.]1", ("ip", "8.8.1.1")),
        ("8.8.1.1/32", ("ip", "8.8.1.1")),
        ("8.8.1.0/24 ; SBL1", ("ip", "8.8.1.0/24")),
        ("8.8.1.1\t12", ("ip", "8.8.1.1")),
        ("8.8.1.1,note", ("ip", "8.8.1.1")),
        ("2606:4700::/40", ("ip", "2606:4700::/40")),
        ("[2606:4700::1]:443", ("ip", "2606:4700::1")),
        ("2606:4700::1", ("ip", "2606:4700::1")),
        ("::ffff:8.8.1.1", ("ip", "8.8.1.1")),
        ("10.0.0.0/8", (Why.SPECIAL_ADDRESS.value, "10.0.0.0/8")),
        ("127.0.0.1", (Why.SPECIAL_ADDRESS.value, "127.0.0.1")),
        ("8.8.1.1/24", (Why.NOT_AN_ADDRESS.value, "8.8.1.1/24")),
        ("1.7.0", (Why.NOT_AN_ADDRESS.value, "1.7.0")),
        ("evil.example", (Why.NOT_AN_ADDRESS.value, "evil.example")),
        (",", (Why.NOT_AN_ADDRESS.value, ",")),
        ("0.0.0.0/1", (Why.TOO_WIDE.value, "0.0.0.0/1")),
        ("::/0", (Why.TOO_WIDE.value, "::/0")),
    ],
)
def test_an_address_or_network_is_made_canonical(line: str, found: tuple[str, str]) -> None:
    assert one("ips", line) == found


def test_special_ranges_are_taken_out_of_a_wider_network() -> None:
    values = [value for _, _, value in parsed("ips", "192.168.0.0/15")]
    assert values == ["192.169.0.0/16"]
    assert {line for line, *_ in parsed("ips", "172.0.0.0/8")} == {1}


def test_the_hosts_sample_gives_names_and_a_reason_for_each_other_line() -> None:
    found = parsed("hosts", *(SAMPLES / "hosts").read_text().splitlines())
    assert [value for _, kind, value in found if kind == "domain"] == [
        "ads.example",
        "phish.example",
        "a.example",
        "b.example",
        "c.example",
        "tab.example",
        "six.example",
        "trailing.example",
        "under_score.example",
    ]
    reasons = Counter(kind for _, kind, _ in found if kind != "domain")
    assert reasons == {
        Why.COMMENT.value: 1,
        Why.BLANK.value: 1,
        Why.LOCAL_NAME.value: 6,
        Why.SPECIAL_ADDRESS.value: 2,
    }


def test_a_name_sent_to_a_real_address_is_a_rewrite_and_counts_as_a_block() -> None:
    lines = ["8.8.1.1 bank.example", "0.0.0.0 evil.example", "::1 six.example", "127.0.0.53 loop.example"]
    outcomes = [one for one in FORMATS["hosts"].parse(lines) if isinstance(one, Entry)]
    assert [(entry.value, entry.rewrite, entry.action) for entry in outcomes] == [
        ("bank.example", True, None),
        ("evil.example", False, None),
        ("six.example", False, None),
        ("loop.example", False, None),
    ]


def test_hosts_lines_without_a_name_or_an_address() -> None:
    assert one("hosts", "0.0.0.0") == (Why.NO_TARGET.value, "0.0.0.0")
    assert one("hosts", "0 evil.example") == ("domain", "evil.example")
    assert one("hosts", "evil.example") == ("domain", "evil.example")
    assert one("hosts", "nothing evil.example") == (Why.NOT_AN_ADDRESS.value, "nothing evil.example")


def test_a_long_line_is_kept_as_a_sample_only() -> None:
    skipped = next(FORMATS["domains"].parse(["x " * 400]))
    assert isinstance(skipped, Skipped)
    assert len(skipped.text) == MAX_SAMPLE


@pytest.mark.parametrize(
    ("file", "format_", "entries"),
    [
        ("hosts", "hosts", 9),
        ("urlhaus_hostfile.txt", "hosts", 2),
        ("openphish_feed.txt", "urls", 2),
        ("urlhaus_text_online.txt", "urls", 2),
        ("crowdsec_raw_ip_list.txt", "ips", 0),
        ("firehol.netset", "ips", 0),
    ],
)
def test_each_sample_is_recognised_and_read(file: str, format_: str, entries: int) -> None:
    lines = (SAMPLES / file).read_text().splitlines()
    assert recognise(lines) == format_
    outcomes = list(FORMATS[format_].parse(lines))
    assert sum(isinstance(outcome, Entry) for outcome in outcomes) == entries
    assert {outcome.line for outcome in outcomes} == set(range(1, len(lines) + 1))


@pytest.mark.parametrize(
    ("lines", "format_"),
    [
        (["# c", "8.8.1.1", "evil.example"], "domains"),
        (["8.8.1.1 12", "8.8.1.2 3"], "ips"),
        (["0.0.0.0 1.example", "0.0.0.0 2.example"], "hosts"),
        (["0 a.example", "0 b.example"], "hosts"),
        (["hxxps://evil[.]example/a"], "urls"),
        (["*.evil.example"], "wildcards"),
        (["*.evil.example", "a.example", "b.example"], "domains"),
        (["# only a comment", ""], None),
        (["||evil.example^"], "adguard"),
        (["! rules", "evil.example"], "adguard"),
        (["||evil.example^", "evil.example", "0.0.0.0 evil.example"], "adguard"),
        (["evil.example CNAME ."], "rpz"),
        (["$TTL 30", "@ IN SOA localhost. root.localhost. 1 2 3 4 5", " NS localhost."], "rpz"),
        (['local-zone: "evil.example" always_null'], "unbound"),
        (["d41d8cd98f00b204e9800998ecf8427e"], "hashes"),
        (['[{"Event": {"Attribute": []}}]'], "misp"),
        (["[", '{"created": "", "pattern_type": "stix"}]'], "stix"),
        (['{"a": 1}'], None),
        (["address=/evil.example/0.0.0.0"], "dnsmasq"),
    ],
)
def test_recognition_by_content(lines: list[str], format_: str | None) -> None:
    assert recognise(lines) == format_


PIECES = st.lists(
    st.sampled_from(
        [*"az09.-_:/[]()#;!@?&=%\\\"' \t\ufeff…é*", "hxxp", "://", "0.0.0.0 ", "evil.example", "::", "/24"]
    ),
    max_size=14,
).map("".join)
LINES = st.one_of(PIECES, st.text(max_size=40).map(lambda text: "".join(text.splitlines())))


@given(st.sampled_from(sorted(one.name for one in FORMATS.values() if not one.document)), st.lists(LINES, max_size=12))
def test_every_line_has_an_outcome_and_every_entry_is_canonical(format_: str, lines: list[str]) -> None:
    """Invariant: a parser never raises; each line gives at least one outcome; canonical values stay as they are."""
    outcomes = list(FORMATS[format_].parse(lines))
    assert [one.line for one in outcomes] == sorted(one.line for one in outcomes)
    assert {one.line for one in outcomes} == set(range(1, len(lines) + 1))
    for entry in outcomes:
        if isinstance(entry, Entry) and entry.type is IndicatorType.DOMAIN:
            assert canonical_host(entry.value) == entry.value
        elif isinstance(entry, Entry) and entry.type is IndicatorType.URL:
            assert canonical(entry.value).expression == entry.value


SAMPLE_FILES = sorted(SAMPLES.iterdir())


@given(st.sampled_from(SAMPLE_FILES), st.integers(0, 4000), st.integers(0, 60), st.binary(max_size=30), st.data())
def test_a_damaged_file_raises_nothing(file: Path, at: int, cut: int, extra: bytes, data: st.DataObject) -> None:
    """Invariant: bytes cut out of or put into a file of any format end no parser, nor recognition."""
    whole = file.read_bytes()
    lines = (whole[:at] + extra + whole[at + cut :]).decode("utf-8", "replace").splitlines(keepends=True)
    found = recognise(lines)
    format_ = FORMATS[data.draw(st.sampled_from(sorted(FORMATS))) if data.draw(st.booleans()) or not found else found]
    numbers = [outcome.line for outcome in format_.parse(lines)]
    assert numbers == sorted(numbers)
    assert format_.document or set(numbers) == set(range(1, len(lines) + 1))


WORDS = st.sampled_from(
    ["Event", "Attribute", "Object", "objects", "type", "indicator", "pattern", "to_ids", "value", "url", "data", "Tag"]
)
TREES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9), WORDS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.one_of(WORDS, st.text(max_size=4)), inner)),
    max_leaves=12,
)


@given(st.sampled_from(sorted(one.name for one in FORMATS.values() if one.document)), TREES)
def test_a_document_of_any_shape_raises_nothing(format_: str, tree: object) -> None:
    """Invariant: whatever JSON a document holds, each of its records has an outcome, numbered from 1."""
    numbers = {outcome.line for outcome in FORMATS[format_].parse([json.dumps(tree)])}
    assert numbers == set(range(1, len(numbers) + 1))


@pytest.mark.parametrize("format_", sorted(one.name for one in FORMATS.values() if one.document))
@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"a":' * 100_000, "9" * 5000, "null", '"\\ud800"'])
def test_a_document_that_is_none_says_so(format_: str, text: str) -> None:
    outcomes = list(FORMATS[format_].parse([text]))
    assert [type(outcome) for outcome in outcomes] == [Skipped]
