"""Answers as bytes: what stands behind a question, kept apart from the packet it came in, and put into a reply.

A `Body` fits every query for the same name, whatever its id, letter case or EDNS: names in it point back at the
question, which has the same length. Nothing is judged, composed (`composed.py`) or sent here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from struct import Struct

from proxy.dns import codes
from proxy.dns.codes import HEADER_SIZE, Option, Rcode, Type
from proxy.dns.question import Query
from proxy.dns.records import (
    ANSWER,
    AUTHORITY,
    NO_EVIDENCE,
    BadReplyError,
    Evidence,
    Record,
    read_evidence,
    read_records,
)

UDP_SIZE = 1232  # octets; what fits any path unfragmented (DNS flag day 2020)
MAX_TTL = 86_400  # seconds
MAX_NEGATIVE_TTL = 3 * 3600  # seconds (RFC 2308 section 5)
BARE_NXDOMAIN_TTL = 5  # seconds
_HEAD = Struct("!6H")
_OPT = Struct("!BHHIH")
_PAIR = Struct("!HH")
_TTL = Struct("!I")
_MAX_TEXT = 200  # octets of an extended error's text
_KEPT_FLAGS = codes.AA | codes.AD | codes.RCODE


@dataclass(frozen=True, slots=True)
class ExtendedError:
    """Say more about a failure or block than a response code can (RFC 8914)."""

    code: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class Body:
    """Hold everything behind the question. `ttls` pairs an offset in `records` with seconds.

    `lifetime` is how many seconds the answer may be kept; 0 where it may not.
    """

    flags: int  # AA, AD and the response code
    counts: tuple[int, int, int]
    records: bytes
    ttls: tuple[tuple[int, int], ...] = ()
    lifetime: int = 0
    evidence: Evidence = NO_EVIDENCE
    error: ExtendedError | None = None

    @property
    def rcode(self) -> int:
        """Return the response code."""
        return self.flags & codes.RCODE

    def aged(self, seconds: int) -> bytes:
        """Return the records with every TTL lowered by `seconds`, to 0 at the least."""
        if not seconds or not self.ttls:
            return self.records
        records = bytearray(self.records)
        for at, ttl in self.ttls:
            _TTL.pack_into(records, at, max(ttl - seconds, 0))
        return bytes(records)

    def with_ttl(self, seconds: int) -> Body:
        """Return the same records, each with this TTL, as a body that nobody keeps."""
        records = bytearray(self.records)
        for at, _ in self.ttls:
            _TTL.pack_into(records, at, seconds)
        ttls = tuple((at, seconds) for at, _ in self.ttls)
        return replace(self, records=bytes(records), ttls=ttls, lifetime=0)


def read_body(packet: bytes, question_size: int) -> Body:
    """Read a response whose question has been checked. The OPT record ends here, and what follows it.

    Raises BadReplyError when records are broken or the response code is one that only EDNS can carry.
    """
    start = HEADER_SIZE + question_size
    records = read_records(packet, start)
    flags = int.from_bytes(packet[2:4])
    error = None
    for number, record in enumerate(records):
        if record.type == Type.OPT:
            if packet[record.ttl_at]:
                raise BadReplyError("an extended response code")
            error = _read_error(packet[record.data : record.end])
            records = records[:number]
            break
    end = records[-1].end if records else start
    sections = [record.section for record in records]
    return Body(
        flags=flags & _KEPT_FLAGS,
        counts=(sections.count(0), sections.count(1), sections.count(2)),
        records=packet[start:end],
        ttls=tuple((record.ttl_at - start, record.ttl) for record in records),
        lifetime=_lifetime(packet, records, flags & codes.RCODE),
        evidence=read_evidence(packet, records),
        error=error,
    )


def _read_error(options: bytes) -> ExtendedError | None:
    at = 0
    while at + 4 <= len(options):
        code, length = _PAIR.unpack_from(options, at)
        data = options[at + 4 : at + 4 + length]
        if code == Option.EXTENDED_ERROR and len(data) >= 2:
            return ExtendedError(int.from_bytes(data[:2]), data[2:].decode("utf-8", "replace").rstrip("\0"))
        at += 4 + length
    return None


def _lifetime(packet: bytes, records: list[Record], rcode: int) -> int:
    if rcode not in (Rcode.NOERROR, Rcode.NXDOMAIN):
        return 0
    shortest = min((record.ttl for record in records), default=0)
    if rcode == Rcode.NOERROR and any(record.section == ANSWER for record in records):
        return min(shortest, MAX_TTL)
    for record in records:
        if record.section == AUTHORITY and record.type == Type.SOA and record.end - record.data >= 22:
            minimum = int.from_bytes(packet[record.end - 4 : record.end])
            return min(shortest, minimum, MAX_NEGATIVE_TTL)
    # Without its SOA a negative answer should not be kept (RFC 2308, 5). NXDOMAIN is, for as long as unbound does: some
    # networks' resolvers never send one, and a client that repeats itself would be sent there each time.
    return BARE_NXDOMAIN_TTL if rcode == Rcode.NXDOMAIN else 0


def reply(
    query: Query,
    body: Body,
    *,
    age: int = 0,
    error: ExtendedError | None = None,
    limit: int = 65535,
    cookie: bytes = b"",
) -> bytes:
    """Put a body behind the client's own question. Longer than `limit` octets, it is cut to its header with TC.

    AD is given only to clients that ask for it (RFC 6840 section 5.8).
    """
    flags = codes.QR | codes.RA | body.flags | query.flags & (codes.RD | codes.CD)
    if not (query.flags & codes.AD or (query.edns and query.edns.do)):
        flags &= ~codes.AD
    opt = _opt(query, error or body.error, cookie=cookie)
    extra = 1 if opt else 0
    size = HEADER_SIZE + len(query.question) + len(body.records) + len(opt)
    if size > limit:
        return _HEAD.pack(query.id, flags | codes.TC, 1, 0, 0, extra) + query.question + opt
    answers, authorities, additional = body.counts
    head = _HEAD.pack(query.id, flags, 1, answers, authorities, additional + extra)
    return head + query.question + body.aged(age) + opt


def _opt(query: Query, error: ExtendedError | None, extended_rcode: int = 0, cookie: bytes = b"") -> bytes:
    if not query.edns:
        return b""
    options = _PAIR.pack(Option.COOKIE, len(cookie)) + cookie if cookie else b""
    if error:
        text = error.text.encode()[:_MAX_TEXT].decode("utf-8", "ignore").encode()
        options += _PAIR.pack(Option.EXTENDED_ERROR, 2 + len(text)) + error.code.to_bytes(2) + text
    ttl = extended_rcode << 24 | (codes.EDNS_DO if query.edns.do else 0)
    return _OPT.pack(0, Type.OPT, UDP_SIZE, ttl, len(options)) + options


def udp_limit(query: Query) -> int:
    """Return how many octets a UDP reply to this client may have."""
    return min(query.edns.size, UDP_SIZE) if query.edns else 512


def bad_version(query: Query) -> bytes:
    """Answer an EDNS version that we do not speak (RFC 6891 section 6.1.3)."""
    flags = codes.QR | codes.RA | query.flags & codes.RD
    opt = _opt(query, None, Rcode.BADVERS >> 4)
    return _HEAD.pack(query.id, flags, 1, 0, 0, 1) + query.question + opt


def bare_error(packet: bytes, rcode: Rcode) -> bytes:
    """Answer a packet whose question could not be read: its id, opcode and RD bit, nothing else."""
    number, flags = _PAIR.unpack_from(packet)
    kept = flags & (codes.OPCODE | codes.RD)
    return _HEAD.pack(number, codes.QR | codes.RA | kept | rcode, 0, 0, 0, 0)


def empty(rcode: Rcode, error: ExtendedError | None = None) -> Body:
    """Return a body without records that nobody keeps."""
    return Body(int(rcode), (0, 0, 0), b"", error=error)
