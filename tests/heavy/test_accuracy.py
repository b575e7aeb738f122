"""The given feeds compiled once: nothing usable is lost, nothing popular is hit, and a naive matcher agrees.

Counts are printed (`pytest -s`). About five minutes and 700 MB.
"""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import pytest

from indicators.classifier import Classifier
from indicators.expressions import host_suffixes
from indicators.guards import Guards, load
from indicators.hosts import is_address, parents
from indicators.memory_index import MemoryIndex
from indicators.observation import Device, Observation
from indicators.settings import PolicySettings
from indicators.snapshot.keys import host_of, host_part
from indicators.snapshot.reader import Snapshot
from indicators.snapshot.tables import Table
from indicators.urls import canonical
from indicators.verdict import Verdict
from indicators.words import Action, Stage
from proxy.feeds.assemble import Source, assemble
from tests.support.given_feeds import sources

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800)]

NOW = datetime(2026, 11, 24, tzinfo=UTC)
DEVICE = Device("device", "device")
LISTED = Path(__file__).parents[1] / "data" / "top_hosts_blocked.md"
SHARED = ("github.com", "docs.google.com", "drive.google.com", "cdn.discordapp.com", "www.dropbox.com", "rebrand.ly")
SHARED += ("raw.githubusercontent.com", "sites.google.com", "bit.ly", "t.me", "pastebin.com", "telegra.ph")


@dataclass(frozen=True)
class Compiled:
    """Hold the snapshot of all given feeds, and what went into it."""

    sources: list[Source]
    snapshot: Snapshot
    classifier: Classifier

    def rows(self) -> Iterator[tuple[Source, str, str, int]]:
        for source in self.sources:
            with source.parsed.rows.open(encoding="ascii") as lines:
                for line in lines:
                    table, key, variant, _, _ = line.split("\t")
                    yield source, table, key, int(variant)

    def judge(self, host: str, url: str | None = None, stage: Stage = Stage.HTTP) -> Verdict:
        return self.classifier.judge(Observation(stage, DEVICE, (host,), url=url), NOW)


@pytest.fixture(scope="module")
def compiled(large_data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    found = list(sources(large_data, tmp_path_factory.mktemp("feeds"), Guards(load())))
    built, counts = assemble(found, NOW)
    snapshot = Snapshot(built.content)
    for source in found:
        report, kept = source.report, counts[source.name]
        assert kept.kept + kept.demoted + kept.repeated == report.entries, source.name
        assert report.items >= report.lines, source.name
        skipped = ", ".join(f"{number} {why}" for why, number in report.skipped.most_common())
        print(
            f"{source.name}: {report.lines} lines: {kept.kept} kept, {kept.demoted} demoted, {kept.repeated} repeated"
        )
        print(f"    skipped: {skipped}")
    return Compiled(found, snapshot, Classifier(MemoryIndex(), [snapshot], PolicySettings()))


def test_every_usable_entry_is_blocked_when_asked_for_and_every_other_has_a_reason(compiled: Compiled) -> None:
    counts: Counter[str] = Counter()
    for source, table, key, variant in compiled.rows():
        if table != Table.NAME:
            continue
        host, path = host_of(host_part(key)), key[len(host_part(key)) :]
        shown = f"[{host}]" if ":" in host else host
        verdict = compiled.judge(host, f"http://{shown}{path or '/'}")
        asked = source.report.variants[variant]
        own = [match for match in verdict.matches if match.indicator.origin.source == source.name]
        if verdict.action is Action.BLOCK:
            counts["blocked"] += 1
        elif asked.action == Action.ALLOW:
            counts["an exception of the list"] += 1
        elif any(match.guard for match in own):
            counts[f"guard: {asked.guard}"] += 1
        elif asked.action == Action.AUDIT:
            counts["audited by the list's own wish"] += 1
        else:
            assert any(match.action is Action.ALLOW for match in own), (source.name, key, verdict)
            counts["excepted by its own list"] += 1
    print(dict(counts))
    assert counts["blocked"] > 2_300_000
    assert sum(counts.values()) - counts["blocked"] < 0.03 * counts["blocked"]


def test_of_the_top_10000_none_is_blocked_as_a_whole_but_those_listed_with_their_reason(
    compiled: Compiled, large_data: Callable[[str], Path]
) -> None:
    with gzip.open(large_data("data/warninglists/cloudflare-top10k.json.gz"), "rt") as file:
        tops = json.load(file)["list"]
    blocked = {host for host in tops if compiled.judge(host, stage=Stage.DNS).action is Action.BLOCK}
    named = {host: Counter(m.indicator.origin.source for m in compiled.snapshot.on_host(host)) for host in blocked}
    print(f"{len(blocked)} of {len(tops)}: {named}")
    rows = [line.split("|") for line in LISTED.read_text().splitlines() if line.startswith("| ")]
    listed = {row[1].strip(): row[3].strip() for row in rows[2:]}
    assert blocked == set(listed)
    assert len(listed) <= 20
    assert all(listed.values())


@pytest.mark.parametrize("host", SHARED)
def test_a_shared_host_stays_reachable_and_its_listed_paths_are_blocked(host: str, compiled: Compiled) -> None:
    for stage in (Stage.DNS, Stage.CONNECTION, Stage.TLS):
        assert compiled.judge(host, stage=stage).action.strength < Action.WARN.strength
    assert compiled.judge(host, f"https://{host}/").action.strength < Action.WARN.strength
    assert compiled.judge(host, f"https://{host}/nothing/known/of-this").action.strength < Action.WARN.strength
    listed = {match.indicator.value for match in compiled.snapshot.urls_under(host)}
    assert listed, "the data names paths on this host"
    for value in listed:
        assert compiled.judge(host, f"https://{value}").action is Action.BLOCK


class Naive:
    """Match as ten plain lines would, over the entries that survived compilation."""

    def __init__(self, compiled: Compiled) -> None:
        self.covering: set[str] = set()
        self.exact: set[str] = set()
        self.paths: dict[str, set[tuple[str, bool]]] = defaultdict(set)
        self.networks: dict[tuple[int, int], set[int]] = defaultdict(set)
        for source, table, key, number in compiled.rows():
            variant = source.report.variants[number]
            if table == Table.NAME and "/" in key:
                self.paths[host_of(host_part(key))].add((key[len(host_part(key)) :], variant.exact))
            elif table == Table.NAME:
                (self.exact if variant.exact else self.covering).add(host_of(key))
            elif table in (Table.V4, Table.V6):
                width = 32 if table == Table.V4 else 128
                self.networks[width, variant.bits].add(int(key) >> (width - variant.bits))

    def host(self, host: str) -> bool:
        return host in self.exact or any(name in self.covering for name in parents(host))

    def url(self, text: str) -> bool:
        url = canonical(text)
        target = url.expression[len(url.host) :]
        cuts = {at for at in range(1, len(target)) if {target[at], target[at - 1]} & set("/?&")} | {len(target)}
        whole = any((target, True) in self.paths.get(host, ()) for host in host_suffixes(url.host))
        return whole or any(
            (target[:at], False) in self.paths.get(h, ()) for h in host_suffixes(url.host) for at in cuts
        )

    def address(self, number: int, width: int) -> bool:
        return any(number >> (w - bits) in nets for (w, bits), nets in self.networks.items() if w == width)


def test_a_naive_matcher_agrees_in_full(compiled: Compiled, large_data: Callable[[str], Path]) -> None:
    naive, snapshot, pick = Naive(compiled), compiled.snapshot, random.Random(7)
    with gzip.open(large_data("data/warninglists/cloudflare-top100k.json.gz"), "rt") as file:
        clean = [name for name in json.load(file)["list"] if name.isascii()]
    listed = sorted(naive.covering | naive.exact)
    hosts = [
        *listed,
        *clean,
        *(f"www.{name}" for name in [*listed[::7], *clean]),
        *(f"x{name}" for name in listed[::7]),
    ]
    asked = [host for host in hosts if not is_address(host)]
    for host in asked:
        assert bool(snapshot.on_host(host)) is naive.host(host), host
        if naive.host(host):
            assert snapshot.mentions(host), host
    values = [host + path for host, paths in naive.paths.items() for path, _ in paths if ":" not in host]
    urls = [*values, *(value + pick.choice(("/x", "x", "?a=1", "&b", "%20")) for value in values)]
    for url in urls:
        assert bool(snapshot.on_url(canonical(url))) is naive.url(url), url
    numbers = [pick.randrange(2**32) for _ in range(100_000)]
    for (width, bits), nets in naive.networks.items():
        firsts = [net << (width - bits) for net in nets]
        edges = [first + more for first in firsts for more in (-1, 0, (1 << (width - bits)) - 1, 1 << (width - bits))]
        numbers += [number for number in edges if width == 32 and 0 <= number < 2**32]
    for number in numbers:
        assert bool(snapshot.on_address(ip_address(number))) is naive.address(number, 32), ip_address(number)
    print(f"agreed on {len(asked):,} hosts, {len(urls):,} URLs and {len(numbers):,} addresses")
