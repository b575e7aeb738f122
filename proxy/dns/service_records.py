"""Write HTTPS and SVCB answers anew without `ech` and without `h3` in `alpn` (RFC 9460, RFC 9848).

An altered record set keeps its aliases and service records only: signatures no longer hold, AD would be a lie, and
what else stands there (authority, additional addresses) may point into bytes that have moved. Nothing is decided here.
"""

from __future__ import annotations

from struct import Struct

from proxy.dns import codes
from proxy.dns.answers import Body, read_body
from proxy.dns.codes import HEADER_SIZE, Type
from proxy.dns.records import ANSWER, Record, raw_name, read_records, service_parameters

_MANDATORY, _ALPN, _NO_DEFAULT_ALPN, _ECH = 0, 1, 2, 5  # SvcParamKeys of RFC 9460 section 14.3.2
_HEAD = Struct("!6H")
_FIXED = Struct("!HHIH")
_PAIR = Struct("!HH")
_SERVICES = (Type.SVCB, Type.HTTPS)


def without_ech_and_h3(question: bytes, body: Body) -> Body | None:
    """Return the body without them, or None when it has neither. `question` is the one that the body stands behind."""
    packet = _HEAD.pack(0, codes.QR | body.flags, 1, *body.counts) + question + body.records
    records = [one for one in read_records(packet, HEADER_SIZE + len(question)) if one.section == ANSWER]
    kept = [(one, _data(packet, one)) for one in records if one.type in (*_SERVICES, Type.CNAME)]
    before = [packet[one.data : one.end] for one in records if one.type in _SERVICES]
    if before == [data for one, data in kept if one.type in _SERVICES]:
        return None
    written = [_written(packet, one, data) for one, data in kept if data is not None]
    flags = body.flags & ~codes.AD
    return read_body(
        _HEAD.pack(0, codes.QR | flags, 1, len(written), 0, 0) + question + b"".join(written), len(question)
    )


def _written(packet: bytes, record: Record, data: bytes) -> bytes:
    return raw_name(packet, record.owner) + _FIXED.pack(record.type, record.class_, record.ttl, len(data)) + data


def _data(packet: bytes, record: Record) -> bytes | None:
    """Return the record's new data; None when nothing is left that a client could use."""
    if record.type == Type.CNAME:
        return raw_name(packet, record.data)
    parameters = {key: packet[start:end] for key, start, end in service_parameters(packet, record)}
    head = packet[record.data : record.data + 2] + raw_name(packet, record.data + 2)
    parameters.pop(_ECH, None)
    if _ALPN in parameters:
        left = _without_h3(parameters[_ALPN])
        if not left and _NO_DEFAULT_ALPN in parameters:
            return None  # reachable by HTTP/3 alone
        parameters[_ALPN] = left
        if not left:
            del parameters[_ALPN]
    _keep_mandatory(parameters)
    return head + b"".join(_PAIR.pack(key, len(value)) + value for key, value in sorted(parameters.items()))


def _keep_mandatory(parameters: dict[int, bytes]) -> None:
    """Leave in `mandatory` only keys that are still there."""
    listed = parameters.pop(_MANDATORY, b"")
    pairs = [listed[at : at + 2] for at in range(0, len(listed), 2)]
    left = b"".join(pair for pair in pairs if int.from_bytes(pair) in parameters)
    if left:
        parameters[_MANDATORY] = left


def _without_h3(alpn: bytes) -> bytes:
    """Leave out `h3` and its drafts (`h3-29`)."""
    kept, at = b"", 0
    while at < len(alpn):
        one = alpn[at : at + 1 + alpn[at]]
        kept += b"" if one[1:].startswith(b"h3") else one
        at += len(one)
    return kept
