"""A file is replaced whole or left as it was, by one at a time, and never over a change not seen."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from proxy.config import saved_file
from proxy.config.errors import ConfigError
from proxy.config.saved_file import EditError, change


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "f.yaml"
    path.write_text("old\n")
    yield path
    assert [left.name for left in tmp_path.iterdir() if left.name.endswith(".tmp")] == []


def test_text_mode_and_mark_are_kept(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbfold\r\n")
    file.chmod(0o640)
    change(file, lambda text: text + "new\r\n")
    assert file.read_bytes() == b"\xef\xbb\xbfold\r\nnew\r\n"
    assert file.stat().st_mode & 0o777 == 0o640


def test_the_file_is_replaced_not_written_over(file: Path) -> None:
    with file.open() as opened:
        before = file.stat().st_ino
        change(file, lambda _: "new\n")
        assert (opened.read(), file.read_text()) == ("old\n", "new\n")
        assert file.stat().st_ino != before


def test_nothing_to_change_leaves_the_file_alone(file: Path) -> None:
    before = file.stat().st_ino
    change(file, lambda text: text)
    assert file.stat().st_ino == before


def test_a_link_stays_a_link(file: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    link = tmp_path_factory.mktemp("links") / "link.yaml"
    link.symlink_to(file)
    change(link, lambda _: "new\n")
    assert link.is_symlink()
    assert file.read_text() == "new\n"


def test_a_change_by_someone_else_is_kept(file: Path) -> None:
    def edit(_: str) -> str:
        file.write_text("theirs\n")
        return "ours\n"

    with pytest.raises(EditError, match=r"^f\.yaml: was changed by someone else meanwhile"):
        change(file, edit)
    assert file.read_text() == "theirs\n"


def test_an_error_inside_leaves_the_file(file: Path) -> None:
    def edit(_: str) -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change(file, edit)
    assert file.read_text() == "old\n"


def test_a_failing_disk_leaves_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        change(file, lambda _: "new\n")
    assert file.read_text() == "old\n"


def test_a_missing_file_says_so(file: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        change(file.with_name("gone.yaml"), lambda text: text)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(handle)


def test_an_edit_waits_no_longer_than_the_limit(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_file, "LOCK_TIMEOUT", 0.05)
    with held(file.parent), pytest.raises(EditError, match="another edit has not ended"):
        change(file, lambda _: "new\n")
    assert file.read_text() == "old\n"


def test_edits_come_one_after_another(file: Path) -> None:
    threads = [threading.Thread(target=change, args=(file, lambda text, n=n: f"{text}{n}\n")) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first, *rest = file.read_text().splitlines()
    assert (first, sorted(rest)) == ("old", [str(n) for n in range(8)])
