"""A file has another stamp once it was changed or replaced, and none where it is not."""

from __future__ import annotations

from pathlib import Path

from proxy.file_stamp import stamp_of


def test_a_stamp_is_the_same_until_the_file_is_changed_replaced_or_gone(tmp_path: Path) -> None:
    file, other = tmp_path / "a", tmp_path / "b"
    file.write_text("one")
    first = stamp_of(file)
    assert first is not None
    assert stamp_of(file) == first
    file.write_text("longer")
    second = stamp_of(file)
    other.write_text("longer")
    other.replace(file)
    assert len({first, second, stamp_of(file)}) == 3
    file.unlink()
    assert stamp_of(file) is None
