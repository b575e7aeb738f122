"""Make a snapshot's bytes from the rows of all feeds. Pure: it is handed rows and gives back bytes.

The rows are read twice, so that no list of all names need be held: once for the trie, once for their words.
"""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Protocol

from indicators.index import IndexCounts
from indicators.snapshot import profiles, url_hashes
from indicators.snapshot.cells import MAX_LINE, CellWriter
from indicators.snapshot.keys import host_part
from indicators.snapshot.layout import Buffer, pack
from indicators.snapshot.profiles import FeedNote, Profile
from indicators.snapshot.tables import DigestTable, NameTable, NetworkTable, PatternTable, Row, Table
from indicators.words import Action

_DIGESTS = (Table.MD5, Table.SHA1, Table.SHA256, Table.CERTIFICATE)
_COUNTED_AS = {
    Table.V4: "addresses",
    Table.V6: "addresses",
    Table.CERTIFICATE: "certificates",
    Table.PATTERN: "hosts",
    Table.URL_HASH: "urls",
    **dict.fromkeys((Table.MD5, Table.SHA1, Table.SHA256), "hashes"),
}


class _Store(Protocol):
    def columns(self) -> tuple[bytes, array[int]]: ...


@dataclass(slots=True)
class Built:
    """Hold a finished snapshot and what was left out: rows that repeat an earlier row of the same profile."""

    content: bytes
    counts: IndexCounts
    repeated: Counter[int] = field(default_factory=Counter)  # by profile number


def build(
    rows: Callable[[], Iterable[Row]],
    feeds: Sequence[FeedNote],
    described: Sequence[Profile],
    built_at: datetime,
    inputs: str,
) -> Built:
    """Compile rows into a snapshot. `rows` is called twice and must give the same rows; `inputs` names what they are.

    Raises OverflowError when there are more entries than the layout can hold.
    """
    maker = _Maker(row.key for row in rows() if row.table == Table.NAME)
    repeated: Counter[int] = Counter()
    for row in rows():
        if not maker.add(row, described):
            repeated[row.profile] += 1
    marks = maker.mark_hosts(len(described))
    meta = {
        "built": built_at.isoformat(),
        "inputs": inputs,
        "feeds": [asdict(feed) for feed in feeds],
        "profiles": [profiles.to_json(profile) for profile in (*described, *marks)],
        "counts": dict(maker.counts),
    }
    content = pack({"meta": json.dumps(meta, separators=(",", ":")).encode(), **maker.sections()})
    return Built(content, IndexCounts(**maker.counts), repeated)


class _Maker:
    def __init__(self, names: Iterable[str]) -> None:
        self.counts: Counter[str] = Counter()
        self._cells = CellWriter()
        self._names = NameTable(names, self._cells)
        self._networks = {Table.V4: NetworkTable(32, self._cells), Table.V6: NetworkTable(128, self._cells)}
        self._digests = {table: DigestTable(self._cells) for table in _DIGESTS}
        self._patterns = PatternTable(self._cells)
        self._url_hashes = {length: DigestTable(self._cells) for length in url_hashes.LENGTHS}
        self._below: Counter[tuple[str, int, Action]] = Counter()

    def add(self, row: Row, described: Sequence[Profile]) -> bool:
        word = self._cells.word(row.profile, row.line, row.expires)
        if row.table == Table.NAME:
            return self._add_name(row.key, word, described[row.profile])
        table = Table(row.table)
        if table in self._networks:
            done = self._networks[table].place(int(row.key), described[row.profile].bits, word)
        elif table is Table.PATTERN:
            done = self._patterns.place(json.loads(row.key), word)
        elif table is Table.URL_HASH:
            done = self._url_hashes[len(row.key) // 2].place(row.key, word)
        else:
            done = self._digests[table].place(row.key, word)
        self.counts[_COUNTED_AS[table]] += done
        return done

    def _add_name(self, key: str, word: int, profile: Profile) -> bool:
        done = self._names.place(key, word)
        if "/" in key and done:
            self._below[host_part(key), profile.feed, profile.action] += 1
        self.counts["urls" if "/" in key else "hosts"] += done
        return done

    def mark_hosts(self, first_number: int) -> list[Profile]:
        """Put markers beside each host with URLs below it; return their profiles, numbered from the first."""
        numbers: dict[tuple[int, Action], int] = {}
        for (host, feed, action), count in self._below.items():
            number = numbers.setdefault((feed, action), first_number + len(numbers))
            self._names.place(host, self._cells.word(number, min(count, MAX_LINE)))
        return [profiles.marker(feed, action) for feed, action in numbers]

    def sections(self) -> Mapping[str, Buffer]:
        found: dict[str, Buffer] = {
            "names": self._names.trie.tobytes(),
            "names.words": self._names.words().tobytes(),
            "names.filter": self._names.filter.cells(),
        }
        stores: dict[str, _Store] = {table.name.lower(): store for table, store in self._networks.items()}
        stores |= {table.name.lower(): store for table, store in self._digests.items()}
        stores |= {url_hashes.section(length): store for length, store in self._url_hashes.items()}
        stores["patterns"] = self._patterns
        for name, store in stores.items():
            keys, words = store.columns()
            found[name] = keys
            found[name + ".words"] = words.tobytes()
        for name in ("wide", "groups", "members"):
            found[name] = getattr(self._cells, name).tobytes()
        return found
