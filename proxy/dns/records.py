"""Walk the records of a response by offset, so that its bytes can pass on untouched. Pure; nothing is judged here.

dnslib would decode and re-encode each record: a signed or unknown type would not survive that as it came. Here only
what must be read is read: owner, type, TTL, and the names and addresses that a verdict needs. Whatever is broken
raises `BadReplyError`, and nothing else is raised for any bytes.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from struct import Struct
from typing import NamedTuple

from indicators.observation import Address
from proxy.dns.codes import HEADER_SIZE, IN, MAX_LABEL, MAX_NAME, Type
from proxy.dns.question import text_of

_FIXED = Struct("!HHIH")
_PAIR = Struct("!HH")
_IPV4_HINT = 4  # SvcParamKeys of RFC 9460 section 14.3.2
_IPV6_HINT = 6
ANSWER, AUTHORITY, ADDITIONAL = range(3)


class BadReplyError(ValueError):
    """Say why a response cannot be used."""


class Record(NamedTuple):
    """Point at one record inside its packet. `ttl` is in seconds, 0 for values above 2**31 - 1 (RFC 2181 section 8)."""

    section: int
    owner: int  # offset
    type: int
    class_: int
    ttl: int
    ttl_at: int
    data: int  # offset of the record's data
    end: int


def read_records(packet: bytes, at: int) -> list[Record]:
    """Return every record behind the question, which ends at `at`. Raises BadReplyError."""
    found = []
    for section in range(3):
        for _ in range(int.from_bytes(packet[6 + 2 * section : 8 + 2 * section])):
            record = _read_record(packet, at, section)
            found.append(record)
            at = record.end
    if at != len(packet):
        raise BadReplyError("bytes behind the last record")
    return found


def _read_record(packet: bytes, owner: int, section: int) -> Record:
    at = skip_name(packet, owner)
    if at + 10 > len(packet):
        raise BadReplyError("a record is cut off")
    kind, class_, ttl, length = _FIXED.unpack_from(packet, at)
    end = at + 10 + length
    if end > len(packet):
        raise BadReplyError("a record's data is cut off")
    return Record(section, owner, kind, class_, ttl if ttl < 1 << 31 else 0, at + 4, at + 10, end)


def skip_name(packet: bytes, at: int) -> int:
    """Return the offset behind the name at `at`; its compression pointers are not followed."""
    size = len(packet)
    while at < size:
        length = packet[at]
        if length >= 0xC0:
            return at + 2
        at += length + 1
        if not length:
            return at
        if length > MAX_LABEL:
            break
    raise BadReplyError("a name is broken")


def read_name(packet: bytes, at: int, end: int | None = None) -> str:
    """Return the name at `at` as lower-case text, pointers followed backwards only, so that none can loop.

    `end`, when given, is where the name must end in place: the end of the record's data.
    """
    if end is not None and skip_name(packet, at) != end:
        raise BadReplyError("a name does not fill its record")
    return text_of(_labels(packet, at))


def raw_name(packet: bytes, at: int) -> bytes:
    """Return the name at `at` uncompressed, in its own letter case."""
    return b"".join(bytes((len(label),)) + label for label in _labels(packet, at)) + b"\0"


def _labels(packet: bytes, at: int) -> list[bytes]:
    labels: list[bytes] = []
    total, lowest = 1, at
    while at < len(packet):
        length = packet[at]
        if not length:
            return labels
        if length >= 0xC0:
            at = int.from_bytes(packet[at : at + 2]) & 0x3FFF
            if at >= lowest or at < HEADER_SIZE:
                break
            lowest = at
            continue
        labels.append(packet[at + 1 : at + 1 + length])
        total += length + 1
        if length > MAX_LABEL or total > MAX_NAME:
            break
        at += length + 1
    raise BadReplyError("a name is broken")


class Evidence(NamedTuple):
    """Hold what a response leads to: the names of its chain in order, and every address in it."""

    chain: tuple[str, ...]
    addresses: tuple[Address, ...]


NO_EVIDENCE = Evidence((), ())


def read_evidence(packet: bytes, records: list[Record]) -> Evidence:
    """Collect CNAME, DNAME, SVCB and HTTPS targets, and A, AAAA and hint addresses of the answer section.

    Owners are not compared: a client may use any record of an answer, so each of them counts. Addresses that come
    beside an HTTPS or SVCB answer in the additional section count too (RFC 9460 section 4.1). Raises BadReplyError.
    """
    chain: list[str] = []
    addresses: list[Address] = []
    for record in records:
        if record.class_ != IN or record.section == AUTHORITY:
            continue
        if record.type in _ADDRESSES:
            addresses.append(_address(packet, record))
        elif record.section == ANSWER and record.type in _ALIASES:
            chain.append(read_name(packet, record.data, record.end))
        elif record.type in _SERVICES:
            _read_service(packet, record, chain, addresses)
    return Evidence(tuple(dict.fromkeys(chain)), tuple(dict.fromkeys(addresses)))


_ADDRESSES = {Type.A: 4, Type.AAAA: 16}
_ALIASES = frozenset((Type.CNAME, Type.DNAME))
_SERVICES = frozenset((Type.SVCB, Type.HTTPS))


def _address(packet: bytes, record: Record) -> Address:
    data = packet[record.data : record.end]
    if len(data) != _ADDRESSES[Type(record.type)]:
        raise BadReplyError("an address record of the wrong size")
    return IPv4Address(data) if len(data) == 4 else IPv6Address(data)


def _read_service(packet: bytes, record: Record, chain: list[str], addresses: list[Address]) -> None:
    if record.data + 3 > record.end:
        raise BadReplyError("a service record is cut off")
    target = read_name(packet, record.data + 2)
    if target:
        chain.append(target)
    for key, value, end in service_parameters(packet, record):
        if key in (_IPV4_HINT, _IPV6_HINT):
            step = 4 if key == _IPV4_HINT else 16
            if end == value or (end - value) % step:
                raise BadReplyError("an address hint of the wrong size")
            parts = [packet[at : at + step] for at in range(value, end, step)]
            addresses += [IPv4Address(part) if step == 4 else IPv6Address(part) for part in parts]


def service_parameters(packet: bytes, record: Record) -> list[tuple[int, int, int]]:
    """Return key, start and end of each parameter of an SVCB or HTTPS record (RFC 9460 section 2.2)."""
    found = []
    at = skip_name(packet, record.data + 2)
    while at < record.end:
        if at + 4 > record.end:
            raise BadReplyError("a service parameter is cut off")
        key, length = _PAIR.unpack_from(packet, at)
        if at + 4 + length > record.end:
            raise BadReplyError("a service parameter is cut off")
        found.append((key, at + 4, at + 4 + length))
        at += 4 + length
    if at != record.end:
        raise BadReplyError("a service record's name runs past its end")
    return found
