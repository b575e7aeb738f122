"""Pad replies on encrypted transports, so that their length does not tell the name (RFC 7830, RFC 8467 section 4.1).

Only who pads the question gets a padded reply.
"""

from __future__ import annotations

from struct import Struct

from proxy.dns.codes import HEADER_SIZE, Option, Type
from proxy.dns.question import Query
from proxy.dns.records import BadReplyError, read_records

BLOCK = 468  # octets (RFC 8467 section 4.1)
_LARGEST = 65_535
_OPTION = Struct("!HH")


def padded(query: Query, reply: bytes) -> bytes:
    """Return a reply filled up to a multiple of 468 octets, where the query asks for that."""
    if query.edns is None or query.edns.option(Option.PADDING) is None:
        return reply
    try:
        records = read_records(reply, HEADER_SIZE + len(query.question))
    except BadReplyError:
        return reply  # an error without the question: it says nothing about a name
    if not records or records[-1].type != Type.OPT:
        return reply
    size = min(-(-(len(reply) + _OPTION.size) // BLOCK) * BLOCK, _LARGEST)
    missing = size - len(reply) - _OPTION.size
    if missing < 0:
        return reply
    opt = records[-1]
    length = (opt.end - opt.data + _OPTION.size + missing).to_bytes(2)
    return reply[: opt.data - 2] + length + reply[opt.data :] + _OPTION.pack(Option.PADDING, missing) + bytes(missing)
