"""The protocol's numbers that we speak of: response codes, record types, header bits, extended errors. Numbers only.

Sources: RFC 1035 section 4.1, RFC 6891, RFC 8914, and the IANA registry "DNS Parameters".
"""

from __future__ import annotations

from enum import IntEnum

HEADER_SIZE = 12
MAX_NAME = 255  # octets, with the root label
MAX_LABEL = 63

QR = 0x8000
OPCODE = 0x7800
AA = 0x0400
TC = 0x0200
RD = 0x0100
RA = 0x0080
AD = 0x0020
CD = 0x0010
RCODE = 0x000F

IN = 1
ANY_CLASS = 255
EDNS_DO = 0x8000


class Rcode(IntEnum):
    """Name a response code; those above 15 need EDNS."""

    NOERROR = 0
    FORMERR = 1
    SERVFAIL = 2
    NXDOMAIN = 3
    NOTIMP = 4
    REFUSED = 5
    BADVERS = 16
    BADCOOKIE = 23


class Type(IntEnum):
    """Name the record types that are read or made here; every other type passes as bytes."""

    A = 1
    NS = 2
    CNAME = 5
    SOA = 6
    PTR = 12
    HINFO = 13
    AAAA = 28
    DNAME = 39
    OPT = 41
    RRSIG = 46
    SVCB = 64
    HTTPS = 65
    IXFR = 251
    AXFR = 252
    ANY = 255


class Option(IntEnum):
    """Name the EDNS options that we read or write; others end at this hop (RFC 6891 section 6.2.6)."""

    COOKIE = 10
    PADDING = 12
    EXTENDED_ERROR = 15


class ExtendedError(IntEnum):
    """Name the extended errors that we send (RFC 8914 section 4)."""

    OTHER = 0
    STALE_ANSWER = 3
    FORGED_ANSWER = 4
    NOT_READY = 14
    BLOCKED = 15
    FILTERED = 17
    PROHIBITED = 18
    STALE_NXDOMAIN = 19
    NOT_SUPPORTED = 21
    NO_REACHABLE_AUTHORITY = 22
    NETWORK_ERROR = 23
