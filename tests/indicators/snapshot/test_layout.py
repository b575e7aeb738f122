"""The container: what is packed comes back, and what is cut, flipped or foreign is refused with its reason."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indicators.snapshot import layout
from indicators.snapshot.layout import SnapshotError, pack, unpack, verify

GOOD = pack({"meta": b"{}", "names": bytes(range(200)), "empty": b""})


def test_sections_come_back_and_lie_on_boundaries() -> None:
    found = unpack(GOOD)
    assert {name: bytes(view) for name, view in found.items()} == {
        "meta": b"{}",
        "names": bytes(range(200)),
        "empty": b"",
    }
    assert len(GOOD) % 64 == 0
    verify(GOOD)


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 7))
def test_any_flipped_bit_is_refused(at: int, bit: int) -> None:
    """Invariant: no single bit can change without the file being refused."""
    damaged = bytearray(GOOD)
    damaged[at] ^= 1 << bit
    with pytest.raises(SnapshotError):
        verify(damaged)


@given(st.integers(0, len(GOOD) - 1))
def test_any_shorter_file_is_refused(length: int) -> None:
    """Invariant: a truncated file is refused by its header alone."""
    with pytest.raises(SnapshotError, match=r"cut short|damaged"):
        unpack(GOOD[:length])


def test_a_foreign_file_and_another_version_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SnapshotError, match="not a snapshot of Seawall"):
        unpack(b"%PDF-1.7" + bytes(100))
    monkeypatch.setattr(layout, "VERSION", 99)
    with pytest.raises(SnapshotError, match="layout 2; this version reads layout 99"):
        unpack(GOOD)


def test_a_section_outside_the_file_is_refused() -> None:
    row = struct.pack("<24sQQ", b"meta", 10**6, 5)
    head = struct.pack("<8sIIQII", layout.MAGIC, layout.VERSION, 1, 32 + len(row), 0, 0)
    forged = head[:-4] + struct.pack("<I", zlib.crc32(row, zlib.crc32(head))) + row
    with pytest.raises(SnapshotError, match="outside the file"):
        unpack(forged)
