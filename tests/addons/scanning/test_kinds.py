"""A file is what its bytes are, whatever it is called."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import plistlib
import tarfile
import zipfile

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from addons import harmless
from addons.scanning.kinds import Group, Kind, group_of, kind_of


def zipped(*names: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return held.getvalue()


def tarred() -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"), io.BytesIO())
    return held.getvalue()


PROFILE = plistlib.dumps({"PayloadType": "Configuration", "PayloadContent": []})
FILES = {
    "an app": (harmless.package(), Kind.APK),
    "an app whose manifest is last": (zipped("classes.dex", "a", "AndroidManifest.xml"), Kind.APK),
    "an app of resources": (zipped("resources.arsc", "AndroidManifest.xml"), Kind.APK),
    "an app cut short": (harmless.package()[:-40], Kind.APK),
    "a manifest alone": (zipped("AndroidManifest.xml"), Kind.ZIP),
    "an archive with an app in it": (zipped("x/AndroidManifest.xml", "x/classes.dex"), Kind.ZIP),
    "a self-extracting archive": (b"MZ" + b"\0" * 100 + zipped("a"), Kind.ZIP),
    "an empty archive": (zipped(), Kind.ZIP),
    "an iOS app": (zipped("Payload/", "Payload/Thing.app/Info.plist"), Kind.IPA),
    "a document": (zipped("[Content_Types].xml", "word/document.xml"), Kind.OOXML),
    "Java": (zipped("META-INF/MANIFEST.MF", "a/B.class"), Kind.JAR),
    "a profile": (PROFILE, Kind.PROFILE),
    "a signed profile": (b"0\x82\x10\x00\x06\x09" + PROFILE + b"\x00\x01", Kind.PROFILE),
    "a Windows program": (b"MZ\x90\x00" + b"\0" * 60, Kind.PE),
    "a Linux program": (b"\x7fELF\x02\x01", Kind.ELF),
    "a program for two processors": (b"\xca\xfe\xba\xbe\x00\x00\x00\x02" + b"\0" * 40, Kind.MACHO),
    "a Java class": (b"\xca\xfe\xba\xbe\x00\x00\x00\x41" + b"\0" * 40, Kind.OTHER),
    "a 64-bit Apple program": (b"\xcf\xfa\xed\xfe\x07", Kind.MACHO),
    "Dalvik code": (b"dex\n035\0", Kind.DEX),
    "a shell script": (b"#!/bin/sh\n", Kind.SCRIPT),
    "PowerShell": (b"  POWERSHELL -enc AAAA", Kind.SCRIPT),
    "a page with a script": (b"<html><script>1</script></html>", Kind.OTHER),
    "PDF": (b"%PDF-1.7", Kind.PDF),
    "an old document": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0", Kind.OLE),
    "rich text": (rb"{\rtf1\ansi", Kind.RTF),
    "rich text as attackers spell it": (rb"{\rt{}", Kind.RTF),
    "OneNote": (bytes.fromhex("e4525c7b8cd8a74daeb15378d02996d3"), Kind.ONENOTE),
    "compiled help": (b"ITSF\3\0\0\0\x60", Kind.HELP),
    "a shortcut": (bytes.fromhex("4c0000000114020000000000c000000000000046"), Kind.SHORTCUT),
    "gzip": (gzip.compress(b"a"), Kind.GZIP),
    "bzip2": (bz2.compress(b"a"), Kind.BZIP2),
    "xz": (lzma.compress(b"a"), Kind.XZ),
    "zstd": (zstandard.compress(b"a"), Kind.ZSTD),
    "zstd behind a frame to be skipped": (b"\x5f\x2a\x4d\x18\0\0\0\0" + zstandard.compress(b"a"), Kind.ZSTD),
    "a Debian package": (b"!<arch>\ndebian-binary   ", Kind.DEB),
    "tar": (tarred(), Kind.TAR),
    "7z": (b"7z\xbc\xaf\x27\x1c\0\x04", Kind.SEVEN_ZIP),
    "rar": (b"Rar!\x1a\x07\x01\0", Kind.RAR),
    "a disk image": (b"\0" * 0x8001 + b"CD001" + b"\0" * 2048, Kind.DISK_IMAGE),
    "EICAR": (harmless.EICAR, Kind.OTHER),
    "nothing": (b"", Kind.OTHER),
}


@pytest.mark.parametrize(("data", "kind"), FILES.values(), ids=FILES)
def test_the_table(data: bytes, kind: Kind) -> None:
    assert kind_of(data) is kind


def test_each_kind_but_other_data_has_a_group() -> None:
    assert {kind for kind in Kind if group_of(kind) is None} == {Kind.OTHER}
    assert {group_of(kind) for kind in Kind} - {None} == set(Group)
    assert group_of(Kind.RAR) is Group.ARCHIVE


@given(st.binary(max_size=600), st.sampled_from([data for data, _ in FILES.values() if len(data) < 5000]))
def test_any_bytes_are_of_some_kind(noise: bytes, start: bytes) -> None:
    """No bytes raise: not noise, not a real file with noise behind it or instead of its end."""
    for data in (noise, start + noise, start[: len(noise)] + noise):
        assert kind_of(data) in Kind
