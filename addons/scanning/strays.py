"""Find the members of a ZIP that its directory does not tell: cut archives, archives in front, and entries that lie.

Programs differ in what they believe: some read the directory at the end, some the headers before the members, some
repair. What any of them would unpack is looked at. A header that leads to nothing is no member, and no damage.
"""

from __future__ import annotations

import re
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from addons.scanning.kinds import Kind
from addons.scanning.limits import Budget
from addons.scanning.unpacking import Found, Trouble
from addons.scanning.windows import Bytes

_SIGN = re.compile(rb"PK\x03\x04")
_NEXT = re.compile(rb"PK[\x01\x03\x05\x07][\x02\x04\x06\x08]")
_HEADER = Struct("<4x2xHH8xIIHH")  # flags, method, sizes packed and whole, lengths of name and extra field
_ENCRYPTED = 0x1
_STORED = 0
_SAID_ELSEWHERE = 0xFFFFFFFF  # a size that ZIP64 writes into the extra field
_STEP = 4096  # bytes, of which none stand for more than four megabytes
_MOST_TRIES = 20_000  # headers

type Known = dict[int, tuple[int, int | None]]
"""By the place of a member's header: where the member ends, and how many bytes of a damaged one were given."""


def strays(data: Bytes, known: Known, budget: Budget, kind: Kind) -> Found:
    """Give what local headers lead to, where no member is known.

    Headers within a known member are that member's own affair. A damaged one is read again, and given where its header
    leads to another number of bytes than its directory entry did.
    """
    for place in _places(data, known):
        header = _header(data, place)
        if header is None:
            continue
        name, start, flags, method, packed = header
        if flags & _ENCRYPTED and kind is not Kind.APK:
            continue
        room = budget.room()
        found = _stored(data, start, packed, room) if method == _STORED else _inflated(data, start, room)
        budget.took(len(found.data))
        if not found.whole or len(found.data) == known.get(place, (0, None))[1]:
            continue
        if not budget.entry():
            yield "", Trouble.TOO_MANY
            return
        yield name, Trouble.BOMB if len(found.data) > room else found.data


class _Read(NamedTuple):
    """Hold what a header led to; `whole` is false where that is nothing, or breaks off."""

    data: bytes
    whole: bool


def _places(data: Bytes, known: Known) -> Iterator[int]:
    starts = sorted(known)
    for number, sign in enumerate(_SIGN.finditer(data)):
        if number >= _MOST_TRIES:
            return
        place = sign.start()
        before = bisect_right(starts, place) - 1
        end, given = known[starts[before]] if before >= 0 else (0, None)
        if place >= end or (place == starts[before] and given is not None):
            yield place


def _header(data: Bytes, place: int) -> tuple[str, int, int, int, int] | None:
    if place + _HEADER.size > len(data):
        return None
    flags, method, packed, _, name, extra = _HEADER.unpack_from(data, place)
    begin = place + _HEADER.size
    return bytes(data[begin : begin + name]).decode("utf-8", "replace"), begin + name + extra, flags, method, packed


def _stored(data: Bytes, start: int, packed: int, room: int) -> _Read:
    end = start + packed if 0 < packed < _SAID_ELSEWHERE else _next_sign(data, start)
    found = bytes(data[start : min(end, start + room + 1)])
    return _Read(found, bool(found))


def _inflated(data: Bytes, start: int, room: int) -> _Read:
    """Inflate a member as far as there is room. Whatever is not stored is taken for deflated, as Android does."""
    machine, parts, size, view = zlib.decompressobj(-zlib.MAX_WBITS), list[bytes](), 0, memoryview(data)
    try:
        for at in range(start, len(view), _STEP):
            parts.append(machine.decompress(view[at : at + _STEP]))
            size += len(parts[-1])
            if machine.eof or size > room:
                break
    except zlib.error:
        return _Read(b"".join(parts), False)
    return _Read(b"".join(parts), size > 0)


def _next_sign(data: Bytes, start: int) -> int:
    found = _NEXT.search(data, start)
    return found.start() if found else len(data)
