"""Compose the answers that are ours: fixed addresses, reserved names, and what a blocked name gets. dnslib writes them.

Each is made once and kept; nothing here decides who gets which.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Literal

from dnslib import AAAA, PTR, RD, RR, SOA, A, DNSHeader, DNSLabel, DNSQuestion, DNSRecord

from indicators.observation import Address
from proxy.dns.answers import Body, empty, read_body
from proxy.dns.codes import IN, Rcode, Type

BLOCK_TTL = 10  # seconds, so that an unblock is quick
type BlockedAnswer = Literal["zero", "nxdomain", "refused", "page"]


@lru_cache(maxsize=1024)
def addresses(qtype: int, found: tuple[Address, ...], ttl: int = BLOCK_TTL) -> Body:
    """Answer a question for A or AAAA with the addresses of that family; NODATA without any, or for other types."""
    family = {Type.A: 4, Type.AAAA: 6}.get(Type(qtype) if qtype in (Type.A, Type.AAAA) else Type.ANY)
    records: list[RD] = [_address(address) for address in found if address.version == family]
    return _pack(qtype, records, ttl) if records else negative(Rcode.NOERROR, ttl)


def _address(address: Address) -> RD:
    return A(str(address)) if address.version == 4 else AAAA(str(address))


@lru_cache(maxsize=1024)
def pointers(names: tuple[str, ...], ttl: int = BLOCK_TTL) -> Body:
    """Answer a question for PTR. One record a body part: names are written out, never compressed."""
    parts = [_pack(Type.PTR, [PTR(DNSLabel(name))], ttl) for name in names]
    return _joined(parts)


def _joined(parts: list[Body]) -> Body:
    offsets = [sum(len(part.records) for part in parts[:number]) for number in range(len(parts))]
    ttls = tuple((at + base, ttl) for base, part in zip(offsets, parts, strict=True) for at, ttl in part.ttls)
    records = b"".join(part.records for part in parts)
    return Body(parts[0].flags, (len(parts), 0, 0), records, ttls, parts[0].lifetime)


@lru_cache(maxsize=16)
def negative(rcode: Rcode, ttl: int = BLOCK_TTL) -> Body:
    """Answer NXDOMAIN or NODATA, with an SOA that says how long that may be kept (RFC 2308)."""
    soa = RR(_PLACE, Type.SOA, IN, ttl, SOA(".", ".", (1, 3600, 600, 86400, ttl)))
    return _read(DNSRecord(DNSHeader(qr=1, rcode=rcode), q=DNSQuestion(_PLACE, Type.A), auth=[soa]))


@lru_cache(maxsize=1)
def minimal_any() -> Body:
    """Answer a question for type ANY as RFC 8482 section 4.2 says: one HINFO record, whatever there is."""
    return _pack(Type.HINFO, [RD(b"\x07RFC8482\x00")], 3600)


def blocked(how: BlockedAnswer, qtype: int, page: tuple[Address, ...]) -> Body:
    """Answer a question for a blocked name in the configured way; `page` holds the block page's addresses."""
    if how == "nxdomain":
        return negative(Rcode.NXDOMAIN)
    if how == "refused":
        return empty(Rcode.REFUSED)
    return addresses(qtype, page) if how == "page" and page else _unspecified(qtype)


@lru_cache(maxsize=1024)  # by the number alone: hashing addresses costs more than all the rest
def _unspecified(qtype: int) -> Body:
    return addresses(qtype, _ZERO)


# The owner is the question's name, so any short name stands for it: dnslib writes a pointer to offset 12. This one ends
# no host name, so that no other name is compressed against it.
_PLACE = DNSLabel([b"\0"])
_ZERO: tuple[Address, ...] = (IPv4Address(0), IPv6Address(0))


def _pack(qtype: int, data: Iterable[RD], ttl: int) -> Body:
    records = [RR(_PLACE, qtype, IN, ttl, item) for item in data]
    return _read(DNSRecord(DNSHeader(qr=1), q=DNSQuestion(_PLACE, qtype), rr=records))


def _read(record: DNSRecord) -> Body:
    packet = bytes(record.pack())
    return read_body(packet, 3 + 4)
