"""Give the members of a ZIP by its directory, then those that the directory does not tell (`strays.py`)."""

from __future__ import annotations

import zipfile
import zlib
from struct import Struct
from typing import cast

from addons.scanning.kinds import Kind
from addons.scanning.limits import Budget
from addons.scanning.strays import Known, strays
from addons.scanning.unpacking import BROKEN, Found, Readable, Trouble, inflate
from addons.scanning.windows import Bytes, opened

_ENCRYPTED = 0x1  # general purpose flag, APPNOTE 4.4.4
_LOCAL, _LOCAL_AT = Struct("<HH"), 26  # lengths of name and extra field in a local header, APPNOTE 4.3.7


def zip_members(data: Bytes, budget: Budget, kind: Kind) -> Found:
    """Give the members of a ZIP. Android ignores the encryption flag of an APK's members, so that is ignored there.

    A packed member whose checksum is wrong is given and said to be damaged: many programs unpack it all the same. That
    of a stored member is not asked for: its bytes are what they are.
    """
    known: Known = {}
    broken = False
    try:
        with zipfile.ZipFile(opened(data)) as archive:
            for info in archive.infolist():
                if info.is_dir():
                    continue
                if not budget.entry():
                    yield "", Trouble.TOO_MANY
                    return
                if info.flag_bits & _ENCRYPTED and kind is Kind.APK:
                    info.flag_bits &= ~_ENCRYPTED
                given = None
                for name, found in _member(archive, info, data, budget):
                    yield name, found
                    if found is not Trouble.DAMAGED:
                        known[info.header_offset] = (_end(info), None)
                        given = len(found)
                    elif given is not None:
                        known[info.header_offset] = (_end(info), given)
    except BROKEN:
        broken = True
    yield from strays(data, known, budget, kind)
    if broken:
        yield "", Trouble.DAMAGED


def _end(info: zipfile.ZipInfo) -> int:
    """Return where a member ends at the least."""
    return info.header_offset + _LOCAL_AT + _LOCAL.size + info.compress_size


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, data: Bytes, budget: Budget) -> Found:
    name = info.filename
    if info.flag_bits & _ENCRYPTED:
        yield name, Trouble.ENCRYPTED
        return
    try:
        with archive.open(info) as member:  # checks the member's own header
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                yield from inflate(name, cast(Readable, member), budget)
                return
            found = _at_once(data, info, budget)
    except BROKEN:
        yield name, Trouble.DAMAGED
        return
    yield name, found
    if not isinstance(found, Trouble) and _is_wrong(found, info):
        yield name, Trouble.DAMAGED


def _is_wrong(found: Bytes, info: zipfile.ZipInfo) -> bool:
    return info.compress_type == zipfile.ZIP_DEFLATED and zlib.crc32(found) != info.CRC


def _at_once(data: Bytes, info: zipfile.ZipInfo, budget: Budget) -> Bytes | Trouble:
    """Read a member in one piece; `zipfile` copies each chunk four times. Raises an error of `BROKEN`."""
    name, extra = _LOCAL.unpack_from(data, info.header_offset + _LOCAL_AT)
    start = info.header_offset + _LOCAL_AT + _LOCAL.size + name + extra
    packed = memoryview(data)[start : start + info.compress_size]
    room = budget.room()
    found: Bytes
    if info.compress_type == zipfile.ZIP_STORED:
        size = len(packed)
        if size != info.file_size:
            raise ValueError("a stored member has two lengths")
        found = packed
    else:
        found = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, max(1, min(info.file_size, room + 1)))
        found = found[: info.file_size]
        size = len(found)
    budget.took(size)
    if size > room:
        return Trouble.BOMB
    return found
