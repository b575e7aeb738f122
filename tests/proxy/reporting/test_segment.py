from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.reporting import segment
from proxy.reporting.segment import MAGIC, SegmentWriter, has_writer, preallocate, read_chunk

SIZE = 4096


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[SegmentWriter]:
    made = SegmentWriter(tmp_path / "one.segment", SIZE)
    yield made
    made.close()


def opened(path: Path) -> int:
    return os.open(path, os.O_RDONLY)


def test_what_is_appended_is_read_in_order(writer: SegmentWriter) -> None:
    handle = opened(writer.path)
    assert read_chunk(handle, 0, 999) == segment.Chunk((), len(MAGIC), ended=False)
    assert all(writer.append([text]) for text in (b"one", b"two", b""[:0] or b"three"))
    first = read_chunk(handle, 0, 4)
    assert first.payloads == (b"one", b"two")
    assert read_chunk(handle, first.offset, 999).payloads == (b"three",)
    os.close(handle)


def test_a_full_segment_refuses_and_its_end_is_seen(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path / "full.segment", 256)
    assert writer.append([b"x" * 200])
    assert not writer.append([b"y" * 40])
    handle = opened(writer.path)
    assert not read_chunk(handle, 0, 999).ended
    writer.close()
    assert read_chunk(handle, 0, 999) == segment.Chunk((b"x" * 200,), 224, ended=True)
    os.close(handle)


def test_the_blocks_exist_before_they_are_needed(writer: SegmentWriter) -> None:
    found = writer.path.stat()
    assert (found.st_size, found.st_mode & 0o777) == (SIZE, 0o600)
    assert found.st_blocks * 512 >= SIZE


def test_the_lock_tells_a_living_writer_from_a_dead_one(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path / "a.segment", SIZE)
    handle = opened(writer.path)
    assert has_writer(handle)
    writer.close(ended=False)
    assert not has_writer(handle)
    assert not has_writer(handle)  # asking took no lock for good
    os.close(handle)


@given(st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=20), st.data())
def test_a_torn_tail_costs_only_itself(payloads: list[bytes], data: st.DataObject) -> None:
    """Invariant: whatever byte of the last record is damaged, all records before it are read and it is not."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        writer = SegmentWriter(Path(folder) / "torn", SIZE)
        starts = []
        for payload in payloads:
            starts.append(writer._at)
            writer.append([payload])
        at = data.draw(st.integers(starts[-1] + 4, writer._at - 1))
        with writer.path.open("r+b") as file:
            file.seek(at)
            byte = file.read(1)[0]
            file.seek(at)
            file.write(bytes([byte ^ data.draw(st.integers(1, 255))]))
        handle = opened(writer.path)
        chunk = read_chunk(handle, 0, 10**6)
        assert chunk == segment.Chunk(tuple(payloads[:-1]), starts[-1], ended=False)
        os.close(handle)
        writer.close()


def test_a_length_beyond_the_file_ends_the_reading(writer: SegmentWriter) -> None:
    writer.append([b"good"])
    with writer.path.open("r+b") as file:
        file.seek(writer._at)
        file.write(struct.pack("<II", 10**6, 5))
    handle = opened(writer.path)
    assert read_chunk(handle, 0, 999).payloads == (b"good",)
    assert read_chunk(handle, SIZE - 4, 999).ended
    os.close(handle)


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(OSError, match="No space"):
        preallocate(tmp_path / "new", SIZE)
    assert list(tmp_path.iterdir()) == []


def test_where_the_system_cannot_preallocate_zeros_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "posix_fallocate", raising=False)
    os.close(preallocate(tmp_path / "new", SIZE))
    assert (tmp_path / "new").read_bytes() == bytes(SIZE)
    monkeypatch.setattr(os, "pwrite", lambda *_: 7)
    with pytest.raises(OSError, match="full"):
        preallocate(tmp_path / "other", SIZE)
