"""Archives: their text whole and in order, and every way of making them large, endless or nested refused."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from proxy.feeds.fetch import read_file
from proxy.feeds.inflate import FeedError, Limits

MB = 1 << 20


def zipped(**members: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return made.getvalue()


def tarred(**members: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return made.getvalue()


def taken(tmp_path: Path, content: bytes, limits: Limits | None = None) -> bytes:
    (tmp_path / "source").write_bytes(content)
    into = tmp_path / "into.partial"
    read_file(tmp_path / "source", into, limits or Limits())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["into.partial", "source"]
    return into.read_bytes()


@pytest.mark.parametrize("pack", [zipped, tarred, lambda **members: gzip.compress(tarred(**members))])
def test_members_are_one_text_in_the_order_of_their_names(tmp_path: Path, pack: object) -> None:
    content = pack(b=b"two.example", a=b"one.example\n", c=b"")  # type: ignore[operator]
    assert taken(tmp_path, content) == b"one.example\ntwo.example\n"


def test_a_list_is_no_archive(tmp_path: Path) -> None:
    assert taken(tmp_path, b"PK.example\n") == b"PK.example\n"


@pytest.mark.parametrize(
    ("content", "limits", "why"),
    [
        (zipped(**{f"m{n}": b"x" for n in range(9)}), Limits(members=8), "more than 8 members"),
        (tarred(**{f"m{n}": b"x" for n in range(9)}), Limits(members=8), "more than 8 members"),
        (zipped(a=zipped(b=b"x")), Limits(), "holds another archive"),
        (tarred(a=gzip.compress(b"x")), Limits(), "holds another archive"),
        (zipped(a=bytes(4 * MB)), Limits(inflated=MB), "larger than 1 MB unpacked"),
        (zipped(a=bytes(64 * MB)), Limits(), "more than 200 times what was sent"),
        (gzip.compress(bytes(64 * MB)), Limits(), "more than 200 times what was sent"),
        (zipped(a=b"x" * 999)[:-30], Limits(), "its archive cannot be read"),
        (tarred(a=b"x" * 9999)[:3000], Limits(), "its archive cannot be read"),
    ],
    ids=lambda value: str(value)[:30] if isinstance(value, str) else type(value).__name__,
)
def test_what_is_refused_and_why(tmp_path: Path, content: bytes, limits: Limits, why: str) -> None:
    with pytest.raises(FeedError, match=why):
        taken(tmp_path, content, limits)
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped(a=b"evil.example\n"))
    for magic, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(magic) + at] |= 1
    with pytest.raises(FeedError, match="encrypted"):
        taken(tmp_path, bytes(content))
