"""Files go through a slot of memory one after another, each whole, whatever came before it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.scanning import slot as slot_module
from proxy.scanning.slot import Slot, Window


@pytest.fixture(params=["in memory", "in a folder"])
def slot(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slot]:
    if request.param == "in a folder":
        monkeypatch.delattr(os, "memfd_create")
    made = Slot(tmp_path / "scans")
    yield made
    made.close()
    assert list((tmp_path / "scans").glob("*")) == []


def test_each_file_is_seen_whole(slot: Slot) -> None:
    window = Window(slot.descriptor)
    for body in (b"first", b"", b"a longer one" * 10_000, b"short"):
        slot.write(body)
        assert bytes(window.show(len(body))) == body


def test_more_than_was_written_is_not_shown(slot: Slot) -> None:
    slot.write(b"12345")
    with pytest.raises(ValueError, match="shorter than was said"):
        Window(slot.descriptor).show(6)


def test_what_a_long_file_needed_is_given_back(slot: Slot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slot_module, "_KEPT", 4096)
    window = Window(slot.descriptor)
    long = os.urandom(100_000)
    for body in (long, b"short", long[::-1], long[:50_000], b"2" * 4000):
        slot.write(body)
        assert bytes(window.show(len(body))) == body
    assert os.fstat(slot.descriptor).st_size == 4096


def test_a_place_that_cannot_be_made_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create")
    (tmp_path / "scans").write_text("a file")
    with pytest.raises(OSError, match="scans"):
        Slot(tmp_path / "scans")
