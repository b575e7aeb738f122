"""Files with secrets are for their owner alone, and never take another's place by accident."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from proxy.enrolment.folder import default_folder, put
from proxy.enrolment.kit import HandedFile

ONE, TWO = (HandedFile(name, name.encode(), "text/plain", "x") for name in ("one", "two"))


def test_only_the_owner_reads_them(tmp_path: Path) -> None:
    paths = put(tmp_path / "deep" / "down", [ONE, TWO])
    assert [path.read_bytes() for path in paths] == [b"one", b"two"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}
    assert stat.S_IMODE((tmp_path / "deep" / "down").stat().st_mode) == 0o700


def test_nothing_is_written_where_one_is_there(tmp_path: Path) -> None:
    put(tmp_path, [TWO])
    with pytest.raises(FileExistsError, match="name another folder with --out"):
        put(tmp_path, [ONE, TWO])
    assert not (tmp_path / "one").exists()


def test_a_rotation_replaces_and_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("kept")
    (tmp_path / "one").symlink_to(tmp_path / "elsewhere")
    put(tmp_path, [ONE], replace=True)
    assert ((tmp_path / "one").read_bytes(), (tmp_path / "elsewhere").read_text()) == (b"one", "kept")


def test_the_folder_is_named_after_the_device() -> None:
    assert default_folder("pixel") == Path("enrolled-pixel")
