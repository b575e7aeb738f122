"""The real feeds of the shared data as sources of one snapshot, each with the publisher that it comes from."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from indicators.guards import Guards
from indicators.words import Action, Category
from proxy.feeds.assemble import Source
from proxy.feeds.intake import parse

type Find = Callable[[str], Path]


class Given(NamedTuple):
    """Name one file of the shared data, its format and its publisher."""

    file: str
    format: str
    publisher: str


GIVEN = (
    Given("tweetfeed_until_2026-04.csv.gz", "tweetfeed", "tweetfeed"),
    Given("feeds/urlhaus-filter.txt", "adguard", "urlhaus"),
    Given("feeds/urlhaus-filter-online.txt", "adguard", "urlhaus"),
    Given("feeds/tweetfeed_urls.txt", "urls", "tweetfeed"),
    Given("feeds/tweetfeed_domains.txt", "domains", "tweetfeed"),
    Given("feeds/tweetfeed_ips.txt", "ips", "tweetfeed"),
    Given("feeds/phishing_database_phishing-links-ACTIVE.txt.gz", "urls", "phishing_database"),
    Given("feeds/phishing_database_phishing-domains-ACTIVE.txt.gz", "domains", "phishing_database"),
    Given("feeds/blocklistproject_redirect.txt.gz", "hosts", "blocklistproject"),
    Given("feeds/blocklistproject_malware.ip.gz", "ips", "blocklistproject"),
    Given("feeds/romainmarcoux_ip_full-aa.txt.gz", "ips", "romainmarcoux"),
    Given("feeds/romainmarcoux_ip_full-ab.txt.gz", "ips", "romainmarcoux"),
    Given("feeds/firehol_firehol_level1.netset", "ips", "firehol"),
    Given("feeds/spamhaus_drop_v4.json", "spamhaus_json", "spamhaus"),
)
UNION = ("maltrail", "blocklistproject", "shadowwhisperer", "phishing_database", "tweetfeed", "urlhaus")


def sources(find: Find, folder: Path, guards: Guards) -> Iterator[Source]:
    """Parse every given feed; of the union of domain lists each list of a publisher is one."""
    for one in GIVEN:
        yield _source(_unpacked(find("data/" + one.file), folder), one.format, one.publisher, guards)
    for publisher, path in _split(find("data/domains_union.tsv.gz"), folder).items():
        yield _source(path, "domains", publisher, guards)


def _source(content: Path, format_: str, publisher: str, guards: Guards) -> Source:
    parsed = parse(content, format_, guards)
    digest = hashlib.sha256(content.name.encode()).hexdigest()
    return Source(content.stem, publisher, Category.MALICIOUS, Action.BLOCK, parsed, parsed.load(), digest)


def _unpacked(path: Path, folder: Path) -> Path:
    to = folder / (path.name.removesuffix(".gz").replace(".", "_") + ".content")
    to.write_bytes(gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes())
    return to


def _split(union: Path, folder: Path) -> dict[str, Path]:
    paths = {publisher: folder / f"union_{publisher}.content" for publisher in UNION}
    with ExitStack() as stack, gzip.open(union, "rt") as lines:
        files = {publisher: stack.enter_context(path.open("w")) for publisher, path in paths.items()}
        for line in lines:
            name, _, named = line.rstrip("\n").partition("\t")
            for publisher in [] if name.startswith("#") else named.split(","):
                files[publisher].write(name + "\n")
    return paths
