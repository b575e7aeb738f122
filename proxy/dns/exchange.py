"""One question to an upstream as a packet, and the check that a packet is its answer. Pure but for random numbers.

The question is made anew for every hop: a random id, the name in random letter case (0x20), an OPT record of our own.
Nothing that a client put into EDNS goes on, but for the DO bit (RFC 6891 section 6.2.6).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from struct import Struct

from proxy.dns import codes
from proxy.dns.answers import UDP_SIZE, Body, read_body
from proxy.dns.codes import HEADER_SIZE, Rcode, Type
from proxy.dns.records import BadReplyError

_HEAD = Struct("!6H")
_OPT = Struct("!BHHIH")


class OtherCaseError(BadReplyError):
    """Say that an answer gives the name back in another letter case: forged, or an upstream that does not keep it."""


class NoEdnsError(BadReplyError):
    """Say that an upstream does not understand EDNS (RFC 6891 section 7)."""


@dataclass(frozen=True, slots=True)
class Question:
    """Hold what is asked of an upstream. `key` is the name in lower case with type and class, as on the wire."""

    key: bytes
    do: bool = False
    cd: bool = False

    @property
    def identity(self) -> bytes:
        """Return the key under which answers are kept and equal questions meet."""
        return self.key + bytes((self.do << 1 | self.cd,))


@dataclass(frozen=True, slots=True)
class Asking:
    """Hold one packet to send, and what its answer must look like."""

    id: int
    question: bytes
    packet: bytes
    edns: bool

    def belongs(self, packet: bytes) -> bool:
        """Say whether a packet is an answer to this one at all: anything else is to be ignored, as if never come."""
        return (
            len(packet) >= HEADER_SIZE
            and int.from_bytes(packet[:2]) == self.id
            and bool(packet[2] & 0x80)
            and not int.from_bytes(packet[2:4]) & codes.OPCODE
            and (self._repeats_question(packet) or self._is_bare_error(packet))
        )

    def _repeats_question(self, packet: bytes) -> bool:
        end = HEADER_SIZE + len(self.question)
        sent = packet[HEADER_SIZE:end]
        same_name = sent[:-4].lower() == self.question[:-4].lower()
        return packet[4:6] == b"\0\1" and same_name and sent[-4:] == self.question[-4:]

    def _is_bare_error(self, packet: bytes) -> bool:
        return packet[4:12] == bytes(8) and bool(packet[3] & codes.RCODE)

    def is_truncated(self, packet: bytes) -> bool:
        """Say whether the answer must be asked for again over TCP."""
        return bool(int.from_bytes(packet[2:4]) & codes.TC)

    def read(self, packet: bytes) -> Body:
        """Read an answer that belongs. Raises BadReplyError, OtherCaseError or NoEdnsError."""
        rcode = packet[3] & codes.RCODE
        if packet[4:6] == bytes(2):
            if self.edns and rcode in (Rcode.FORMERR, Rcode.NOTIMP):
                raise NoEdnsError("the upstream does not understand EDNS")
            raise BadReplyError(f"response code {rcode} without a question")
        if packet[HEADER_SIZE : HEADER_SIZE + len(self.question)] != self.question:
            raise OtherCaseError("the letter case of the name is not the one asked with")
        body = read_body(packet, len(self.question))
        if self.edns and rcode in (Rcode.FORMERR, Rcode.NOTIMP):
            raise NoEdnsError("the upstream does not understand EDNS")
        return body


def ask(question: Question, *, edns: bool = True, mixed_case: bool = True) -> Asking:
    """Make a packet that asks, with an id and letter case that nobody can guess."""
    number = secrets.randbits(16)
    asked = (_mix_case(question.key[:-4]) if mixed_case else question.key[:-4]) + question.key[-4:]
    flags = codes.RD | codes.AD | (codes.CD if question.cd else 0)
    packet = _HEAD.pack(number, flags, 1, 0, 0, 1 if edns else 0) + asked
    if edns:
        packet += _OPT.pack(0, Type.OPT, UDP_SIZE, codes.EDNS_DO if question.do else 0, 0)
    return Asking(number, asked, packet, edns)


def _mix_case(name: bytes) -> bytes:
    coins = secrets.randbits(8 * len(name))
    mixed = bytearray(name)
    for at, octet in enumerate(name):
        if 0x61 <= octet <= 0x7A and coins >> at & 1:
            mixed[at] = octet - 0x20
    return bytes(mixed)
