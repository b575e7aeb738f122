"""Read one query from a packet's bytes: header, question, EDNS. Pure; no socket, no clock, no judgement.

Rules: whatever is returned is well-formed; whatever is not raises `BadQueryError` with the response code to answer, or
with none where silence is right (RFC 1035 section 4.1, RFC 6891, RFC 9619). No other exception leaves this file.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple

from proxy.dns.codes import EDNS_DO, HEADER_SIZE, MAX_LABEL, MAX_NAME, OPCODE, QR, Option, Rcode, Type

_HEADER = Struct("!6H")
_TAIL = Struct("!HH")
_RECORD = Struct("!HHIH")
_OPTION = Struct("!HH")
_MAX_ADDITIONAL = 4
# What a host name is written with; any other octet is escaped, so that text never means two different names.
_PLAIN = b"abcdefghijklmnopqrstuvwxyz0123456789-_"


class BadQueryError(ValueError):
    """Say that a packet is no query that can be served; `rcode` is what to answer, None calls for silence."""

    def __init__(self, rcode: Rcode | None, reason: str) -> None:
        super().__init__(reason)
        self.rcode = rcode


@dataclass(frozen=True, slots=True)
class Edns:
    """Hold a client's OPT record. `size` is the UDP payload it takes, never below 512 octets."""

    size: int
    version: int
    do: bool
    options: bytes

    def option(self, code: Option) -> bytes | None:
        """Return the first option's data, or None."""
        at = 0
        while at < len(self.options):
            found, length = _OPTION.unpack_from(self.options, at)
            if found == code:
                return self.options[at + 4 : at + 4 + length]
            at += 4 + length
        return None


class Query(NamedTuple):
    """Hold one well-formed query. `question` is its bytes as sent (the client's case is to be given back)."""

    id: int
    flags: int
    question: bytes
    host: str  # lower-case text without the root dot; "" for the root
    qtype: int
    qclass: int
    edns: Edns | None

    @property
    def key(self) -> bytes:
        """Return the question with its name in lower case: equal for equal questions."""
        return self.question[:-4].lower() + self.question[-4:]


def read_query(packet: bytes) -> Query:
    """Read a query. Raises BadQueryError, and nothing else, for any bytes whatever."""
    if len(packet) < HEADER_SIZE:
        raise BadQueryError(None, "shorter than a header")
    number, flags, questions, answers, authorities, additional = _HEADER.unpack_from(packet)
    if flags & QR:
        raise BadQueryError(None, "a response: answering it could start a loop")
    if flags & OPCODE:
        raise BadQueryError(Rcode.NOTIMP, "only the opcode QUERY is served")
    if questions != 1 or answers or authorities or additional > _MAX_ADDITIONAL:
        raise BadQueryError(Rcode.FORMERR, "a query holds one question and no records but EDNS")
    end, host = _read_question_name(packet)
    if end + 4 > len(packet):
        raise BadQueryError(Rcode.FORMERR, "the question is cut off")
    qtype, qclass = _TAIL.unpack_from(packet, end)
    edns = _read_additional(packet, end + 4, additional)
    return Query(number, flags, packet[HEADER_SIZE : end + 4], host, qtype, qclass, edns)


def _read_question_name(packet: bytes) -> tuple[int, str]:
    labels: list[bytes] = []
    at = HEADER_SIZE
    limit = min(len(packet), HEADER_SIZE + MAX_NAME)
    while at < limit:
        length = packet[at]
        at += 1
        if not length:
            return at, text_of(labels)
        if length > MAX_LABEL:  # a compression pointer has nothing to point at here
            raise BadQueryError(Rcode.FORMERR, "a label is longer than 63 octets, or compressed")
        labels.append(packet[at : at + length])
        at += length
    raise BadQueryError(Rcode.FORMERR, "the name is cut off or longer than 255 octets")


def plain_host(name: bytes) -> str | None:
    """Return the host of a lower-case name on the wire, without its root label; None unless it is a plain host name."""
    at, size = 0, len(name)
    labels = []
    while at < size:
        length = name[at]
        at += 1
        labels.append(name[at : at + length])
        at += length
        if length > MAX_LABEL:
            return None
    if at != size or size >= MAX_NAME or b"".join(labels).translate(None, _PLAIN):
        return None
    return b".".join(labels).decode("ascii")


def text_of(labels: list[bytes]) -> str:
    """Write labels as lower-case text; an octet that no host name holds becomes a backslash and its decimal value."""
    joined = b"".join(labels).lower()
    if not joined.translate(None, _PLAIN):
        return b".".join(labels).lower().decode("ascii")
    return ".".join("".join(_escaped(octet) for octet in label.lower()) for label in labels)


def _escaped(octet: int) -> str:
    return chr(octet) if octet in _PLAIN else f"\\{octet:03d}"


def _read_additional(packet: bytes, at: int, count: int) -> Edns | None:
    edns = None
    for _ in range(count):
        before, start = at, _skip_name(packet, at)
        if start + 10 > len(packet):
            raise BadQueryError(Rcode.FORMERR, "an additional record is cut off")
        kind, class_, ttl, length = _RECORD.unpack_from(packet, start)
        at = start + 10 + length
        if at > len(packet):
            raise BadQueryError(Rcode.FORMERR, "an additional record is cut off")
        if kind == Type.OPT:
            if edns or start - before != 1:
                raise BadQueryError(Rcode.FORMERR, "two OPT records, or one that is not at the root")
            edns = _read_edns(class_, ttl, packet[start + 10 : at])
    if at != len(packet):
        raise BadQueryError(Rcode.FORMERR, "bytes behind the last record")
    return edns


def _skip_name(packet: bytes, at: int) -> int:
    while at < len(packet):
        length = packet[at]
        if length >= 0xC0:
            return at + 2
        if length > MAX_LABEL:
            break
        at += length + 1
        if not length:
            return at
    raise BadQueryError(Rcode.FORMERR, "a record's name is broken")


def _read_edns(size: int, ttl: int, options: bytes) -> Edns:
    at = 0
    while at < len(options):
        if at + 4 > len(options):
            raise BadQueryError(Rcode.FORMERR, "an EDNS option is cut off")
        at += 4 + _OPTION.unpack_from(options, at)[1]
    if at != len(options):
        raise BadQueryError(Rcode.FORMERR, "an EDNS option is cut off")
    return Edns(max(size, 512), ttl >> 16 & 0xFF, bool(ttl & EDNS_DO), options)
