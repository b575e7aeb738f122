"""One question to an upstream as a packet, and the check that a packet is its answer. Pure but for random numbers.

The question is made anew for every hop: a random id, the name in random letter case (0x20), an OPT record of our own.
Nothing that a client put into EDNS goes on, but for the DO bit (RFC 6891 section 6.2.6).
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from proxy.dns import codes
from proxy.dns.answers import UDP_SIZE, Body, read_body
from proxy.dns.chance import chance
from proxy.dns.codes import HEADER_SIZE, Option, Rcode, Type
from proxy.dns.records import BadReplyError

_HEAD = Struct("!6H")
_OPT = Struct("!BHHIH")
_OPTION = Struct("!HH")
_PADDED = 128  # octets; a padded question's length is a multiple of it (RFC 8467 section 4.1)


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
        if sent == self.question:  # nearly always
            return packet[4:6] == b"\0\1"
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


def ask(
    question: Question, *, edns: bool = True, mixed_case: bool = True, cookie: bytes = b"", pad: bool = False
) -> Asking:
    """Make a packet that asks, with an id and letter case that nobody can guess.

    `cookie` is the COOKIE option's data; `pad` hides the name's length, where the transport hides the rest.
    """
    number = int.from_bytes(chance(2))
    asked = (_mix_case(question.key[:-4]) if mixed_case else question.key[:-4]) + question.key[-4:]
    flags = codes.RD | codes.AD | (codes.CD if question.cd else 0)
    packet = _HEAD.pack(number, flags, 1, 0, 0, 1 if edns else 0) + asked
    if edns:
        options = _OPTION.pack(Option.COOKIE, len(cookie)) + cookie if cookie else b""
        if pad:
            missing = -(len(packet) + _OPT.size + len(options) + _OPTION.size) % _PADDED
            options += _OPTION.pack(Option.PADDING, missing) + bytes(missing)
        packet += _OPT.pack(0, Type.OPT, UDP_SIZE, codes.EDNS_DO if question.do else 0, len(options)) + options
    return Asking(number, asked, packet, edns)


# For each octet that is a small letter, the bit that makes it a capital. A label's length is no letter.
_CASE_BIT = bytes(0x20 if 0x61 <= octet <= 0x7A else 0 for octet in range(256))


def _mix_case(name: bytes) -> bytes:
    size = len(name)
    flips = int.from_bytes(name.translate(_CASE_BIT)) & int.from_bytes(chance(size))
    return (int.from_bytes(name) ^ flips).to_bytes(size)
