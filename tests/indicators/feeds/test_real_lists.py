"""Real feeds: each is recognised, each line is accounted for, and one list in eight formats names the same hosts."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from indicators.feeds.entry import Entry, Outcome, Why
from indicators.feeds.formats import FORMATS, recognise
from indicators.words import IndicatorType

type Data = Callable[[str], Path]


def lines_of(path: Path) -> list[str]:
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return content.decode("utf-8", "replace").splitlines(keepends=True)


def read(path: Path, format_: str) -> list[Outcome]:
    """Parse a file after checking that its format is recognised, and that no line or record of it is lost."""
    lines = lines_of(path)
    assert recognise([line for line in lines[:2000] if line.strip() and line[0] not in "#;"]) == format_
    outcomes = list(FORMATS[format_].parse(lines))
    numbers = {outcome.line for outcome in outcomes}
    last = max(numbers) if FORMATS[format_].document else len(lines)
    assert numbers == set(range(1, last + 1))
    return outcomes


def counts(outcomes: list[Outcome]) -> Counter[str]:
    return Counter(one.type.value if isinstance(one, Entry) else one.why.name for one in outcomes)


@pytest.mark.parametrize(
    ("file", "format_", "expected"),
    [
        ("tweetfeed_adguard.txt", "adguard", {"domain": 4873, "NOT_A_HOST": 2, "COMMENT": 8, "BLANK": 1}),
        ("tweetfeed_dnsmasq.txt", "dnsmasq", {"domain": 4873, "NOT_A_HOST": 2, "COMMENT": 8, "BLANK": 1}),
        ("tweetfeed_rpz.txt", "rpz", {"domain": 9746, "NOT_A_HOST": 4, "SETTING": 3, "COMMENT": 9, "BLANK": 2}),
        ("spamhaus_drop_v4.json", "spamhaus_json", {"ip": 1670, "SETTING": 1}),
        ("firehol_spamhaus_drop.netset", "ips", {"ip": 850, "COMMENT": 31}),
        (
            "firehol_firehol_level1.netset",
            "ips",
            {"ip": 1527, "COMMENT": 34, "SPECIAL_ADDRESS": 12, "TOO_WIDE": 1},
        ),
        ("urlhaus-filter-online.txt", "adguard", {"domain": 620, "ip": 2234, "url": 3509, "COMMENT": 6}),
    ],
)
def test_a_list_is_accounted_for_to_the_line(
    large_data: Data, file: str, format_: str, expected: dict[str, int]
) -> None:
    assert counts(read(large_data(f"data/feeds/{file}"), format_)) == expected


def hosts(outcomes: list[Outcome], *kinds: IndicatorType) -> set[str]:
    return {one.value for one in outcomes if isinstance(one, Entry) and one.type in kinds}


EIGHT = {
    "-agh-online.txt": "adguard",
    "-online.txt": "adguard",
    "-domains-online.txt": "domains",
    "-wildcard-online.txt": "wildcards",
    "-hosts-online.txt": "hosts",
    "-dnsmasq-online.conf": "dnsmasq",
    "-unbound-online.conf": "unbound",
    "-rpz-online.conf": "rpz",
}


def test_eight_formats_of_one_list_name_the_same_hosts(large_data: Data) -> None:
    read_ = {end: read(large_data(f"data/feeds/urlhaus-filter{end}"), format_) for end, format_ in EIGHT.items()}
    names = {end: hosts(outcomes, IndicatorType.DOMAIN) for end, outcomes in read_.items()}
    names["-online.txt"].discard("wegrowcoaching.com")  # its publisher lists it in this format alone
    assert all(found == names["-domains-online.txt"] for found in names.values())
    assert len(names["-domains-online.txt"]) == 619
    with_addresses = ("-agh-online.txt", "-online.txt", "-domains-online.txt", "-wildcard-online.txt")
    addresses = {end: hosts(read_[end], IndicatorType.IP) for end in with_addresses}
    assert all(found == addresses["-domains-online.txt"] for found in addresses.values())


def test_tweetfeed_rows(large_data: Data) -> None:
    lines = lines_of(large_data("data/tweetfeed_until_2026-04.csv.gz"))[::50]
    outcomes = list(FORMATS["tweetfeed"].parse(lines))
    assert {one.line for one in outcomes} == set(range(1, len(lines) + 1))
    found = counts(outcomes)
    usable = sum(found[kind.value] for kind in IndicatorType)
    assert usable > 0.99 * len(lines)
    assert not {Why.UNSUPPORTED.name, Why.SETTING.name} & set(found)


def test_stix_bundles(large_data: Data) -> None:
    found: Counter[str] = Counter()
    for path in sorted(large_data("data/stix").glob("*.gz")):
        if "indicators.yaml" not in path.name and "objectmarking" not in path.name:
            found += counts(read(path, "stix"))
    assert found["PATTERN"] == 4  # two that match expressions, two that need issuer and serial number together
    assert found["MALFORMED"] == 0
    assert found["domain"] > 5000


def test_taxii_pages_and_misp_events(large_data: Data) -> None:
    for path in sorted(large_data("data/taxii").glob("*.gz"))[:4]:
        assert set(counts(read(path, "stix"))) <= {"url", "domain", "ip", "sha256", "md5", "NOT_A_URL", "CUT_SHORT"}
    events = list(large_data("data/misp").glob("*-*.json.gz"))[:4]
    assert events
    assert all(counts(read(path, "misp"))["url"] for path in events)
