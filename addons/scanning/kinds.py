"""What kind of file some bytes are, told by content alone: names and media types are claims of the sender.

Only the first bytes and, for archives, the list of members are looked at; nothing is unpacked here.
"""

from __future__ import annotations

import zipfile
from collections.abc import Collection
from enum import StrEnum

from addons.scanning.windows import Bytes, opened


class Kind(StrEnum):
    """Name the kinds of file that matter to a download scan."""

    APK = "Android package"
    IPA = "iOS app archive"
    PROFILE = "configuration profile"
    PE = "Windows program"
    ELF = "Linux program"
    MACHO = "macOS or iOS program"
    DEX = "Dalvik code"
    SCRIPT = "script"
    PDF = "PDF document"
    OLE = "Office document"
    OOXML = "Office Open XML document"
    RTF = "Rich Text document"
    ONENOTE = "OneNote document"
    HELP = "compiled HTML help"
    SHORTCUT = "Windows shortcut"
    JAR = "Java archive"
    ZIP = "ZIP archive"
    GZIP = "gzip file"
    BZIP2 = "bzip2 file"
    XZ = "xz file"
    ZSTD = "Zstandard file"
    TAR = "tar archive"
    DEB = "Debian package or ar archive"
    SEVEN_ZIP = "7-Zip archive"
    RAR = "RAR archive"
    CAB = "cabinet archive"
    DISK_IMAGE = "disk image"
    OTHER = "other data"


class Group(StrEnum):
    """Name kinds of file in the words of policy (`scan.kinds`)."""

    APK = "apk"
    IPA = "ipa"
    PROFILE = "profile"
    EXECUTABLE = "executable"
    SCRIPT = "script"
    ARCHIVE = "archive"
    DOCUMENT = "document"


_GROUPS = {
    Kind.APK: Group.APK,
    Kind.IPA: Group.IPA,
    Kind.PROFILE: Group.PROFILE,
    Kind.PE: Group.EXECUTABLE,
    Kind.ELF: Group.EXECUTABLE,
    Kind.MACHO: Group.EXECUTABLE,
    Kind.DEX: Group.EXECUTABLE,
    Kind.JAR: Group.EXECUTABLE,
    Kind.SHORTCUT: Group.EXECUTABLE,
    Kind.HELP: Group.EXECUTABLE,
    Kind.SCRIPT: Group.SCRIPT,
    Kind.PDF: Group.DOCUMENT,
    Kind.OLE: Group.DOCUMENT,
    Kind.OOXML: Group.DOCUMENT,
    Kind.RTF: Group.DOCUMENT,
    Kind.ONENOTE: Group.DOCUMENT,
}

ARCHIVES = frozenset({Kind.APK, Kind.IPA, Kind.OOXML, Kind.JAR, Kind.ZIP, Kind.TAR, Kind.DEB})
COMPRESSED = frozenset({Kind.GZIP, Kind.BZIP2, Kind.XZ, Kind.ZSTD})
SEALED = frozenset({Kind.SEVEN_ZIP, Kind.RAR, Kind.CAB, Kind.DISK_IMAGE})  # known, and not unpacked here

_STARTS = (
    (b"\x7fELF", Kind.ELF),
    (b"dex\n0", Kind.DEX),
    (b"%PDF-", Kind.PDF),
    (b"{\\rt", Kind.RTF),  # Word opens it without the f
    (b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d", Kind.ONENOTE),
    (b"ITSF\x03\x00\x00\x00", Kind.HELP),
    (b"L\x00\x00\x00\x01\x14\x02\x00", Kind.SHORTCUT),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Kind.OLE),
    (b"\x1f\x8b\x08", Kind.GZIP),
    (b"BZh", Kind.BZIP2),
    (b"\xfd7zXZ\x00", Kind.XZ),
    (b"\x28\xb5\x2f\xfd", Kind.ZSTD),
    (b"7z\xbc\xaf\x27\x1c", Kind.SEVEN_ZIP),
    (b"Rar!\x1a\x07", Kind.RAR),
    (b"MSCF\x00\x00\x00\x00", Kind.CAB),
    (b"\xfe\xed\xfa\xce", Kind.MACHO),
    (b"\xfe\xed\xfa\xcf", Kind.MACHO),
    (b"\xce\xfa\xed\xfe", Kind.MACHO),
    (b"\xcf\xfa\xed\xfe", Kind.MACHO),
    (b"!<arch>\n", Kind.DEB),
    (b"#!", Kind.SCRIPT),
)
_JAVA_CLASS_OR_FAT = b"\xca\xfe\xba\xbe"
_PROFILE_SIGNS = (b"PayloadType", b"PayloadContent")
_HEAD = 1 << 20  # bytes; a signed profile holds the property list within its signature
_SCRIPT_SIGNS = (b"<script", b"WScript.", b"powershell", b"CreateObject(", b"@echo off", b"Set-ExecutionPolicy")
_TEXT_HEAD = 4096  # bytes


def group_of(kind: Kind) -> Group | None:
    """Return the group of a kind; none for other data."""
    return None if kind is Kind.OTHER else _GROUPS.get(kind, Group.ARCHIVE)


def kind_of(data: Bytes) -> Kind:
    """Return the kind of `data`.

    >>> kind_of(b"#!/bin/sh"), kind_of(b"plain words")
    (<Kind.SCRIPT: 'script'>, <Kind.OTHER: 'other data'>)
    """
    head = bytes(data[:_HEAD])
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")) or zipfile.is_zipfile(opened(data)):
        return kind_of_names(_names(data))
    for start, kind in _STARTS:
        if head.startswith(start):
            return kind
    if head.startswith(_JAVA_CLASS_OR_FAT) and len(head) > 8:
        return Kind.MACHO if head[4:8] < b"\x00\x00\x00\x14" else Kind.OTHER  # few architectures, or a class file
    if head[1:4] == b"\x2a\x4d\x18" and 0x50 <= head[0] <= 0x5F:
        return Kind.ZSTD  # it begins with a frame to be skipped
    if head[257:262] == b"ustar":
        return Kind.TAR
    if head.startswith(b"MZ"):
        return Kind.PE
    if head[0x8001:0x8006] == b"CD001" or bytes(data[-512:-508]) == b"koly":
        return Kind.DISK_IMAGE
    return _text_kind(head)


def kind_of_names(names: Collection[str]) -> Kind:
    """Return the kind of a ZIP archive by its members: an APK is one whatever it is called and declared."""
    if "AndroidManifest.xml" in names and not {"classes.dex", "resources.arsc"}.isdisjoint(names):
        return Kind.APK
    if any(name.startswith("Payload/") and ".app/" in name for name in names):
        return Kind.IPA
    if "[Content_Types].xml" in names:
        return Kind.OOXML
    if "META-INF/MANIFEST.MF" in names and any(name.endswith(".class") for name in names):
        return Kind.JAR
    return Kind.ZIP


def _names(data: Bytes) -> frozenset[str]:
    """Return a ZIP's names; one whose directory is damaged is asked for the names that its bytes show."""
    try:
        with zipfile.ZipFile(opened(data)) as archive:
            return frozenset(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, UnicodeDecodeError):
        wanted, shown = ("AndroidManifest.xml", "classes.dex", "resources.arsc"), bytes(data)
        return frozenset(name for name in wanted if name.encode() in shown)


def _text_kind(head: bytes) -> Kind:
    if all(sign in head for sign in _PROFILE_SIGNS) and (b"<plist" in head or head.startswith(b"bplist")):
        return Kind.PROFILE
    start = head[:_TEXT_HEAD].lower()
    if b"\x00" not in start and any(sign.lower() in start for sign in _SCRIPT_SIGNS) and b"<html" not in start:
        return Kind.SCRIPT
    return Kind.OTHER
