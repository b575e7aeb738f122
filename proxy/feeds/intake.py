"""Parse one version of a feed into rows that any number of compilations can use: text in, two files out.

`<digest>.<key>.rows` has one entry a line, `<digest>.<key>.json` counts what became of the input. The key changes with
the parsers, the guards and the format asked for, so that an unchanged feed is not parsed again.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields
from ipaddress import ip_network
from itertools import islice
from pathlib import Path
from typing import IO, Any

from indicators.feeds.entry import Entry, FeedOnly, Outcome, Skipped, Why
from indicators.feeds.formats import FORMATS, HEAD, recognise
from indicators.feeds.lines import MAX_LINE
from indicators.feeds.spared import spared
from indicators.guards import Guard, Guards, popular_name
from indicators.hosts import reverse_key
from indicators.snapshot.tables import Table
from indicators.words import IndicatorType
from proxy.feeds.inflate import DEFAULT_LIMITS, FeedError
from proxy.feeds.json_text import check_depth
from proxy.feeds.store import write_whole

PARSERS = 5  # raise it when parsing or the form of rows changes
_MAX_SAMPLES = 20  # skipped lines kept for each reason
_DIGESTS = {
    IndicatorType.MD5: Table.MD5,
    IndicatorType.SHA1: Table.SHA1,
    IndicatorType.SHA256: Table.SHA256,
    IndicatorType.CERTIFICATE: Table.CERTIFICATE,
    FeedOnly.URL_HASH: Table.URL_HASH,
}
_MAX_TARGETS = 1000  # addresses that one feed may rewrite to; what is beyond counts as a block


@dataclass(frozen=True, slots=True)
class Variant:
    """Hold what rows of one feed have in common. Rows name it by its place in the report."""

    type: str
    exact: bool = False
    rewrite: bool = False
    action: str | None = None
    category: str | None = None
    confidence: int = 100
    bits: int = 0
    guard: str = ""
    target: str = ""


@dataclass(slots=True)
class Report:
    """Count what became of a feed's lines. An *item* is an entry or a skipped value; each line gives at least one."""

    format: str = ""
    lines: int = 0
    told: int = 0  # lines that gave an entry or a reason: all of them, or a parser has lost some
    entries: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    samples: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    guarded: Counter[str] = field(default_factory=Counter)
    rewrites: int = 0
    popular: list[str] = field(default_factory=list)  # hosts that it names as domains and one feed alone cannot block
    variants: list[Variant] = field(default_factory=list)

    @property
    def items(self) -> int:
        """Return the number of entries and skipped values."""
        return self.entries + self.skipped.total()

    def skip(self, skipped: Skipped) -> None:
        """Count a skipped value and keep it as a sample."""
        self.skipped[skipped.why] += 1
        samples = self.samples.setdefault(skipped.why, [])
        if skipped.why not in (Why.BLANK, Why.COMMENT) and len(samples) < _MAX_SAMPLES:
            samples.append((skipped.line, skipped.text))

    def to_json(self) -> bytes:
        """Return the report as JSON."""
        plain = {one.name: getattr(self, one.name) for one in fields(self)}
        return json.dumps(plain | {"variants": [asdict(variant) for variant in self.variants]}).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Report:
        """Read a report back."""
        plain: dict[str, Any] = json.loads(text)
        plain["variants"] = [Variant(**variant) for variant in plain["variants"]]
        for name in ("skipped", "guarded"):
            plain[name] = Counter(plain[name])
        return cls(**plain)


@dataclass(frozen=True, slots=True)
class Parsed:
    """Name the two files that one version of a feed was parsed into."""

    rows: Path
    report: Path

    def load(self) -> Report:
        """Read the report."""
        return Report.from_json(self.report.read_bytes())


def parse(content: Path, format_: str, guards: Guards, own: Sequence[str] = ()) -> Parsed:
    """Parse a version, unless that was done before; nothing of it covers an `own` address.

    Raises FeedError when its format cannot be told.
    """
    found = parsed_files(content, format_, guards, own)
    if not (found.rows.exists() and found.report.exists()):
        _parse_anew(content, format_, guards, own, found)
    return found


def parsed_files(content: Path, format_: str, guards: Guards, own: Sequence[str] = ()) -> Parsed:
    """Name the files that parsing a version gives, whether they are there or not."""
    key = hashlib.sha256("\0".join((str(PARSERS), format_, guards.digest, *own)).encode()).hexdigest()[:12]
    return Parsed(content.with_suffix(f".{key}.rows"), content.with_suffix(f".{key}.json"))


def _parse_anew(content: Path, format_: str, guards: Guards, own: Sequence[str], to: Parsed) -> None:
    report = Report(format=_format_of(content) if format_ == "auto" else format_)
    partial = to.rows.with_suffix(".partial")
    with content.open("rb") as source, partial.open("w", encoding="ascii", errors="backslashreplace") as rows:
        chosen = FORMATS[report.format]
        text = _document(source) if chosen.document else _lines(source, report)
        _write_rows(spared(chosen.parse(text), own), rows, report, guards)
    partial.replace(to.rows)
    write_whole(to.report, report.to_json())


def _format_of(content: Path) -> str:
    with content.open("rb") as source:
        head = list(islice(_lines(source, Report()), 4 * HEAD))
    found = recognise([line for line in head if line.strip() and line.lstrip("\ufeff ")[:1] not in "#;"])
    if found:
        return found
    if all(not line.strip("\ufeff \t\r\n") or line.lstrip("\ufeff ")[:1] in "#!;" for line in head):
        return "domains"  # nothing but comments: an empty feed of any format
    names = ", ".join(FORMATS)
    raise FeedError(f"its format was not recognised; set `format:` to one of {names}, or check the address")


def _lines(source: IO[bytes], report: Report) -> Iterator[str]:
    """Yield text lines; of a longer line than any format has, no more than shows that it is too long."""
    limit = 4 * (MAX_LINE + 2)  # bytes of the longest line in UTF-8
    while raw := source.readline(limit):
        ended = raw
        while len(ended) == limit and not ended.endswith(b"\n"):
            ended = source.readline(limit)
        report.lines += 1
        yield raw.decode("utf-8", "replace")


def _document(source: IO[bytes]) -> Iterator[str]:
    """Yield a document as it is: it may be one long line. Its size was bounded when it was fetched."""
    text = source.read()
    check_depth(text, DEFAULT_LIMITS.depth)
    yield text.decode("utf-8", "replace")


def _write_rows(outcomes: Iterable[Outcome], rows: IO[str], report: Report, guards: Guards) -> None:
    variants: dict[Variant, int] = {}
    popular: set[str] = set()
    targets: set[str] = set()
    told = bytearray()
    for outcome in outcomes:
        report.lines = max(report.lines, outcome.line)  # of a document: its records
        _tell(told, outcome.line)
        if isinstance(outcome, Skipped):
            report.skip(outcome)
            continue
        guard = guards.on(outcome)
        if guard:
            report.guarded[guard] += 1
            if guard is Guard.SINGLE_FEED:
                popular.add(popular_name(outcome.value))
        report.entries += 1
        report.rewrites += outcome.rewrite
        if outcome.target and len(targets) < _MAX_TARGETS:
            targets.add(outcome.target)
        table, key, variant = _row(outcome, guard, outcome.target if outcome.target in targets else "")
        number = variants.setdefault(variant, len(variants))
        rows.write(f"{table}\t{key}\t{number}\t{outcome.line}\t{outcome.expires}\n")
    report.told = sum(told)
    report.variants = list(variants)
    report.popular = sorted(popular)


def _tell(told: bytearray, line: int) -> None:
    if line >= len(told):
        told.extend(bytes(max(line + 1 - len(told), len(told), 4096)))
    told[line] = 1


def _row(entry: Entry, guard: Guard | None, target: str) -> tuple[str, str, Variant]:
    table, key, bits = _key(entry)
    variant = Variant(
        entry.type.value,
        entry.exact or guard is Guard.PUBLIC_SUFFIX,
        entry.rewrite,
        entry.action,
        entry.category,
        entry.confidence,
        bits,
        guard.value if guard else "",
        target,
    )
    return table, key, variant


def _key(entry: Entry) -> tuple[str, str, int]:
    if entry.type is IndicatorType.DOMAIN:
        return "n", reverse_key(entry.value), 0
    if entry.type is IndicatorType.URL:
        host, _, path = entry.value.partition("/")
        whole = not path and not entry.exact
        return "n", reverse_key(host) + ("" if whole else "/" + path), 0
    if entry.type is IndicatorType.IP:
        network = ip_network(entry.value)
        return ("4" if network.version == 4 else "6"), str(int(network.network_address)), network.prefixlen
    if entry.type is FeedOnly.PATTERN:
        return Table.PATTERN.value, json.dumps(entry.value), 0
    return _DIGESTS[entry.type].value, entry.value, 0
