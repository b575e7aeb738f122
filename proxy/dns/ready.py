"""The hot path: answers that are ready to send but for id and letter case, found without reading the query.

A query that is octet for octet one seen before (its id and the case of its name aside) from the same client gets the
same answer. So the key is the packet itself: flags, counts, name in lower case, type, class, EDNS. Whatever was
learned by parsing, judging and composing the first one holds for the next, until the answer's time is over, its
verdict is too old, or the policy's epoch has changed. Nothing is parsed, judged or sent here.

The name is taken to end at its first zero octet. A label may hold one itself; then the key merely is another split
of the same packet, and still equal only for packets that differ in nothing but id and case.
"""

from __future__ import annotations

from struct import Struct

from proxy.dns import codes
from proxy.dns.codes import HEADER_SIZE
from proxy.dns.reports import Sighting

MAX_PACKET = 350  # octets; a longer query is answered the long way
JUDGED_FOR = 10.0  # seconds after which an answer that passes is judged anew, whatever its TTL
MAX_BYTES = 96 << 20
_MAX_COMMON = 4096  # parts of replies that are kept once, as those of blocked names are all alike
_OVERHEAD = 200  # octets of an entry beside its key (tracemalloc: object, numbers, table)
_SIGHTING = 200  # octets of the sighting that a blocked one keeps
_TAIL_OVERHEAD = 85  # octets of an answer that changes beside its bytes
_QUESTION_TAIL = 5  # the root label, type and class
_TTL = Struct("!I")


class Ready:
    """Hold one answer without its id and name; its TTLs count down as time goes by."""

    __slots__ = ("_since", "_ttls", "head", "next_second", "sighting", "tail", "until")

    def __init__(self, head: bytes, tail: bytes, until: float, sighting: Sighting | None = None) -> None:
        self.head = head
        self.tail = tail
        self.until = self.next_second = until
        self.sighting = sighting
        self._since = 0.0
        self._ttls: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(
        cls,
        reply: bytes,
        now: float,
        until: float,
        ttls: tuple[tuple[int, int], ...] = (),
        sighting: Sighting | None = None,
    ) -> Ready:
        """Make one of a whole reply, with the places of the TTLs that run behind its question."""
        ready = cls(reply[2:HEADER_SIZE], reply[reply.find(0, HEADER_SIZE) :], until, sighting)
        if ttls and not reply[2] << 8 & codes.TC:
            ready._since, ready._ttls = now, ttls
            ready.next_second = min(now + 1, until)
        return ready

    @property
    def counts_down(self) -> bool:
        """Say whether it changes as time goes by."""
        return bool(self._ttls)

    def grow_older(self, now: float) -> None:
        """Lower the TTLs to what is left of them."""
        passed = int(now - self._since)
        tail = bytearray(self.tail)
        for at, ttl in self._ttls:
            _TTL.pack_into(tail, at + _QUESTION_TAIL, max(ttl - passed, 0))
        self.tail = bytes(tail)
        self.next_second = min(self._since + passed + 1, self.until)


class ReadyAnswers:
    """Find ready answers, in `max_bytes` at most.

    Two generations bound it: when the young one has taken half of that, it becomes the old one, which is dropped.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._room = max_bytes // 2
        self._taken = 0  # octets, by the young generation
        self._young: dict[bytes, Ready] = {}
        self._old: dict[bytes, Ready] = {}
        self._common: dict[bytes, bytes] = {}
        self.epoch = -1

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def answer(self, tag: bytes, packet: bytes, now: float) -> bytes | None:
        """Return the whole reply for a packet from the client `tag`, or None when it must be worked out."""
        name_end = packet.find(0, HEADER_SIZE)
        name = packet[HEADER_SIZE:name_end]
        key = tag + packet[2:HEADER_SIZE] + name.lower() + packet[name_end:]
        ready = self._young.get(key)
        if ready is None:
            ready = self._old.get(key)
            if ready is None:
                return None
            self.keep(key, ready)
        if now >= ready.next_second:
            if now >= ready.until:
                return None
            ready.grow_older(now)
        if ready.sighting is not None:
            ready.sighting.again()
        return packet[:2] + ready.head + name + ready.tail

    def put(self, tag: bytes, packet: bytes, ready: Ready) -> None:
        """Keep the answer to this very packet; long packets are not kept."""
        name_end = packet.find(0, HEADER_SIZE)
        if len(packet) <= MAX_PACKET and name_end > 0:
            if not ready.counts_down:
                ready.head, ready.tail = self._shared(ready.head), self._shared(ready.tail)
            self.keep(tag + packet[2:HEADER_SIZE] + packet[HEADER_SIZE:name_end].lower() + packet[name_end:], ready)

    def _shared(self, part: bytes) -> bytes:
        if len(self._common) >= _MAX_COMMON:
            self._common.clear()
        return self._common.setdefault(part, part)

    def keep(self, key: bytes, ready: Ready) -> None:
        """Keep an answer by its key: the client's tag, and the packet without its id, the name in lower case."""
        size = _OVERHEAD + len(key)
        if ready.sighting is not None:
            size += _SIGHTING
        if ready.counts_down:
            size += _TAIL_OVERHEAD + len(ready.tail)
        if size > self._room:
            return
        self._taken += size
        if self._taken > self._room:
            self._old, self._young = self._young, {}
            self._taken = size
        self._young[key] = ready

    def follow(self, epoch: int) -> None:
        """Forget everything when the policy's epoch is another one."""
        if epoch != self.epoch:
            self.epoch = epoch
            self._young, self._old = {}, {}
            self._taken = 0
