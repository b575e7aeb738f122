"""Keep upstream's answers for as long as their TTLs say, bounded in bytes. What is kept is not judged: its user judges.

Time is a number of seconds from any steady clock, given by the caller.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from proxy.dns.answers import Body

_OVERHEAD = 600  # octets that one entry costs beside its bytes (measured with tracemalloc: key, body, tuples, links)
_PER_RECORD = 120  # octets for a record's offsets and evidence


class Kept(NamedTuple):
    """Hold one kept answer. `age` is in whole seconds; `stale` says that its time is over."""

    body: Body
    age: int
    stale: bool


class _Entry(NamedTuple):
    body: Body
    since: float
    until: float
    size: int


class AnswerCache:
    """Map a question's key to a body; the least recently used goes first when `max_bytes` are full.

    An entry stays for `stale_for` seconds after its time, so that it can stand in while no upstream answers
    (RFC 8767).
    """

    def __init__(self, max_bytes: int = 32 << 20, stale_for: float = 86_400) -> None:
        self._max_bytes = max_bytes
        self._stale_for = stale_for
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: bytes, now: float) -> Kept | None:
        """Return what is kept for a question, stale or not."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if now >= entry.until + self._stale_for:
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return Kept(entry.body, int(now - entry.since), now >= entry.until)

    def put(self, key: bytes, body: Body, now: float) -> None:
        """Keep a body for its lifetime; one without a lifetime is not kept, and leaves an older one as it is."""
        size = _OVERHEAD + len(key) + len(body.records) + _PER_RECORD * len(body.ttls)
        if body.lifetime <= 0 or size > self._max_bytes:
            return
        if key in self._entries:
            self._drop(key)
        self._entries[key] = _Entry(body, now, now + body.lifetime, size)
        self.bytes += size
        while self.bytes > self._max_bytes:
            self._drop(next(iter(self._entries)))

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self.bytes = 0

    def _drop(self, key: bytes) -> None:
        self.bytes -= self._entries.pop(key).size
