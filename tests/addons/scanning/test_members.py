"""What a file contains is walked to its end or to a limit, and whatever was not looked into is said."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from dataclasses import replace

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from addons import harmless
from addons.scanning.limits import MIB, Limits
from addons.scanning.members import Member, Obstacle, walk
from addons.scanning.unpacking import Trouble
from tests.support.archives import tarred, zipped

SMALL = Limits(entries=5, nesting=2, member_bytes=MIB, total_bytes=2 * MIB, ratio=50, ratio_from=MIB)


def flagged(data: bytes) -> bytes:
    """Set the encryption flag of each member, in the local headers and in the directory."""
    changed = bytearray(data)
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = changed.find(mark)
        while at >= 0:
            changed[at + offset] |= 1
            at = changed.find(mark, at + 4)
    return bytes(changed)


def paths(data: bytes, limits: Limits = SMALL) -> list[str]:
    return [found.path for found in walk("f", data, limits) if isinstance(found, Member)]


def troubles(data: bytes, limits: Limits = SMALL) -> list[tuple[str, Trouble]]:
    return [(found.path, found.trouble) for found in walk("f", data, limits) if isinstance(found, Obstacle)]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"plain", ["f"]),
        (zipped(("a", b"1"), ("b/", b""), ("b/c", b"2")), ["f", "f/a", "f/b/c"]),
        (zipped(("in.zip", zipped(("x", b"1")))), ["f", "f/in.zip", "f/in.zip/x"]),
        (tarred(("a", b"1")), ["f", "f/a"]),
        (gzip.compress(tarred(("a", b"1"))), ["f", "f", "f/a"]),
        (bz2.compress(b"1"), ["f", "f"]),
        (lzma.compress(b"1"), ["f", "f"]),
        (zstandard.compress(b"1"), ["f", "f"]),
        (zipped(("../../etc/passwd", b"1")), ["f", "f/../../etc/passwd"]),
    ],
    ids=["no archive", "zip", "zip in zip", "tar", "tar.gz", "bz2", "xz", "zstd", "a name that climbs"],
)
def test_what_a_file_contains_is_given_outer_before_inner(data: bytes, expected: list[str]) -> None:
    assert paths(data) == expected
    assert troubles(data) == []


DEEP = zipped(("a.zip", zipped(("b.zip", zipped(("c", b"1"))))))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (zipped(("big", bytes(SMALL.member_bytes + 1))), [("f/big", Trouble.BOMB)]),
        (gzip.compress(bytes(SMALL.member_bytes + 1)), [("f", Trouble.BOMB)]),
        (zstandard.compress(bytes(SMALL.member_bytes + 1)), [("f", Trouble.BOMB)]),
        (zipped(*((f"{n}", bytes(900_000)) for n in range(3))), [("f/1", Trouble.BOMB), ("f/2", Trouble.BOMB)]),
        (zipped(*((f"{n}", b"") for n in range(7))), [("f", Trouble.TOO_MANY)]),
        (tarred(*((f"{n}", b"") for n in range(7))), [("f", Trouble.TOO_MANY)]),
        (DEEP, [("f/a.zip/b.zip", Trouble.TOO_DEEP)]),
        (flagged(zipped(("secret", b"1"))), [("f/secret", Trouble.ENCRYPTED)]),
        (zipped(("a", b"1" * 500))[:60], [("f", Trouble.DAMAGED)]),
        (gzip.compress(b"1" * 500)[:-9], [("f", Trouble.DAMAGED)]),
        (zstandard.compress(b"1" * 5000)[:6], [("f", Trouble.DAMAGED)]),
        (b"Rar!\x1a\x07\x01\x00", [("f", Trouble.SEALED)]),
    ],
    ids=["zip bomb", "gzip bomb", "zstd bomb", "many small make a bomb", "members of a zip", "members of a tar", "deep",
         "encrypted", "cut zip", "cut gzip", "cut zstd", "rar"],
)  # fmt: skip
def test_what_is_not_looked_into_is_said(data: bytes, expected: list[tuple[str, Trouble]]) -> None:
    assert troubles(data) == expected


def test_the_encryption_flag_of_an_app_is_ignored_as_android_does() -> None:
    assert troubles(flagged(harmless.package())) == []
    assert "f/assets/eicar.com" in paths(flagged(harmless.package()))


def test_a_member_that_is_damaged_leaves_the_others() -> None:
    data = bytearray(zipped(("bad", bytes(range(256)) * 9), ("good", b"fine")))
    data[40:60] = bytes(20)
    assert troubles(bytes(data)) == [("f/bad", Trouble.DAMAGED)]
    assert paths(bytes(data))[-1] == "f/good"


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_wrong_checksum_hides_nothing(kind: int) -> None:
    """Many programs unpack such a member all the same; a stored one is looked into as it stands."""
    data = bytearray(zipped(("member", bytes(range(200))), kind=kind))
    at = data.rindex(b"PK\x01\x02") + 16
    data[at : at + 4] = b"\xff\xff\xff\xff"
    assert paths(bytes(data)) == ["f", "f/member"]
    assert troubles(bytes(data)) == ([("f/member", Trouble.DAMAGED)] if kind == zipfile.ZIP_DEFLATED else [])


@pytest.mark.parametrize(
    ("data", "damaged"),
    [
        (gzip.compress(b"clean") + gzip.compress(harmless.EICAR), False),
        (gzip.compress(harmless.EICAR) + b"words behind", True),
        (zstandard.compress(b"clean") + zstandard.compress(harmless.EICAR), False),
        (b"\x50\x2a\x4d\x18\4\0\0\0skip" + zstandard.compress(harmless.EICAR), False),
        (zstandard.compress(harmless.EICAR) + b"words behind", True),
        (bz2.compress(b"clean") + bz2.compress(harmless.EICAR), False),
        (lzma.compress(b"clean") + lzma.compress(harmless.EICAR), False),
    ],
    ids=[
        "two of gzip",
        "gzip and words",
        "two of zstd",
        "a skipped frame",
        "zstd and words",
        "two of bzip2",
        "two of xz",
    ],
)
def test_what_stands_behind_or_before_hides_nothing(data: bytes, damaged: bool) -> None:
    found = [one.data for one in walk("f", data, SMALL) if isinstance(one, Member)]
    assert len(found) == 2
    assert bytes(found[1]).endswith(harmless.EICAR)
    assert troubles(data) == ([("f", Trouble.DAMAGED)] if damaged else [])


def arred(*members: tuple[str, bytes]) -> bytes:
    parts = [
        f"{name + '/':<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n".encode() + data for name, data in members
    ]
    return b"!<arch>\n" + b"".join(part + b"\n" * (len(part) % 2) for part in parts)


def test_a_debian_package_is_opened() -> None:
    inner = gzip.compress(tarred(("usr/evil", harmless.EICAR)))
    package = arred(("debian-binary", b"2.0\n"), ("odd", b"1"), ("data.tar.gz", inner))
    assert paths(package, Limits()) == [
        "f", "f/debian-binary", "f/odd", "f/data.tar.gz", "f/data.tar.gz", "f/data.tar.gz/usr/evil",
    ]  # fmt: skip
    assert troubles(package, Limits()) == []
    assert troubles(package[:-4], Limits()) == [("f", Trouble.DAMAGED)]
    assert troubles(b"!<arch>\n" + b"?" * 60) == [("f", Trouble.DAMAGED)]
    assert troubles(arred(*((f"{n}", b"") for n in range(7)))) == [("f", Trouble.TOO_MANY)]


FILES = [
    harmless.package(),
    harmless.zipped(),
    DEEP,
    gzip.compress(tarred(("a", b"1"))),
    tarred(("a", b"1")),
    arred(("a", b"1")),
]


@given(st.sampled_from(FILES), st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), max_size=20))
def test_a_mutated_file_is_walked_within_its_limits(data: bytes, changes: list[tuple[int, int]]) -> None:
    """However bytes are changed, the walk ends, raises nothing and gives no more bytes than the limits allow."""
    changed = bytearray(data)
    for at, value in changes:
        changed[at % len(changed)] = value
    found = [one for one in walk("f", bytes(changed), SMALL) if isinstance(one, Member)]
    assert sum(len(one.data) for one in found[1:]) <= SMALL.total_bytes
    assert len(found) <= 1 + SMALL.entries * SMALL.nesting


def test_a_member_is_read_as_zipfile_reads_it() -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for kind in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
            for size in (0, 1, 100_000):
                archive.writestr(f"{kind}-{size}", bytes(range(256)) * size if size < 2 else b"ab" * size, kind)
    data = b"in front" + held.getvalue()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        expected = {f"f/{name}": archive.read(name) for name in archive.namelist()}
    found = {one.path: one.data for one in list(walk("f", data, replace(SMALL, entries=20)))[1:]}  # type: ignore[union-attr]
    assert found == expected


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize(("offset", "value"), [(20, b"\x02\0\0\0"), (24, b"\x02\0\0\0"), (42, b"\xff\0\0\0")])
def test_a_directory_that_lies_of_a_member_means_damage(kind: int, offset: int, value: bytes) -> None:
    """Packed size, size and place: what does not agree is damaged, never an error."""
    data = bytearray(zipped(("member", bytes(range(200))), kind=kind))
    at = data.rindex(b"PK\x01\x02") + offset
    data[at : at + 4] = value
    assert troubles(bytes(data)) == [("f/member", Trouble.DAMAGED)]
