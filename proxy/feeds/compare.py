"""What two versions of a feed have and have not in common, by the entries that they were parsed into."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any

from indicators.snapshot.keys import host_of
from proxy.feeds.intake import Parsed, Report

SAMPLES = 20


@dataclass(frozen=True, slots=True)
class Change:
    """Count the entries that the second version has more and less than the first; samples are the first of each."""

    before: int
    after: int
    added: int
    removed: int
    added_samples: tuple[str, ...]
    removed_samples: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)


def compare(old: Parsed, new: Parsed) -> Change:
    """Compare two versions. Raises FileNotFoundError when one was never parsed, or is no longer kept."""
    gone = set(_entries(old))
    before, after, added = len(gone), 0, 0
    samples: list[str] = []
    seen: set[tuple[str, str, int]] = set()
    for entry in _entries(new):
        if entry in seen:
            continue
        seen.add(entry)
        after += 1
        if entry in gone:
            gone.discard(entry)
            continue
        added += 1
        if added <= SAMPLES:
            samples.append(written(*entry))
    lost = sorted(gone)[:SAMPLES]
    return Change(before, after, added, len(gone), tuple(samples), tuple(written(*entry) for entry in lost))


def _entries(parsed: Parsed) -> Iterator[tuple[str, str, int]]:
    """Yield (table, key, prefix length) of each entry."""
    bits = [variant.bits for variant in _report(parsed.report).variants]
    with parsed.rows.open(encoding="ascii") as rows:
        for row in rows:
            table, key, variant, _ = row.split("\t", 3)
            yield table, key, bits[int(variant)]


def _report(path: Path) -> Report:
    return Report.from_json(path.read_bytes())


def written(table: str, key: str, bits: int) -> str:
    """Return an entry as people write it."""
    if table == "n":
        _, slash, path = key.partition("/")
        return host_of(key) + slash + path
    if table in ("4", "6"):
        address = IPv4Address(int(key)) if table == "4" else IPv6Address(int(key))
        return str(address) if bits == address.max_prefixlen else f"{address}/{bits}"
    return key
