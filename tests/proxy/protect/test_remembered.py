from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.protect.remembered import Memory, Remembered
from proxy.protect.system_settings import Gate
from proxy.protect.way import ProtectError

ONE = Remembered(
    mark="a1",
    system="networksetup",
    on_crash="open",
    gate=Gate("127.0.0.1", 8080, 1080, ("10.0.0.0/8",)),
    before={"webproxy Wi-Fi": ("off", "", "0")},
    ours={"webproxy Wi-Fi": ("on", "127.0.0.1", "8080")},
    in_force=True,
)


def test_what_is_saved_is_loaded_and_forgotten(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    assert memory.load() is None
    memory.save(ONE)
    assert memory.load() == ONE
    memory.save(replace(ONE, in_force=False))
    assert memory.load() == replace(ONE, in_force=False)
    assert memory.is_ours()
    (path,) = tmp_path.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    memory.forget()
    memory.forget()
    assert memory.load() is None


def test_a_save_that_breaks_off_leaves_what_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = Memory(tmp_path)
    memory.save(ONE)

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        memory.save(replace(ONE, mark="b2"))
    assert memory.load() == ONE
    monkeypatch.undo()
    memory.save(replace(ONE, mark="b2"))
    assert memory.load() == replace(ONE, mark="b2")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"gate": 1}'])
def test_a_damaged_file_is_said(tmp_path: Path, text: str) -> None:
    (tmp_path / "system-proxy.json").write_text(text)
    with pytest.raises(ProtectError, match="is damaged; set the system's proxy settings by hand"):
        Memory(tmp_path).load()


def test_who_may_not_read_is_told_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> str:
        raise PermissionError

    monkeypatch.setattr(Path, "read_text", refused)
    with pytest.raises(ProtectError, match="with sudo"):
        Memory(tmp_path).load()
    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(ProtectError, match="with sudo"), Memory(tmp_path).turn():
        pass


def test_what_root_keeps_is_for_whose_the_folder_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "fchown", lambda handle, uid, gid: given.append((uid, gid)))
    memory = Memory(tmp_path)
    memory.save(ONE)
    for _ in range(2):
        with memory.turn():
            pass
    owner = tmp_path.stat()
    assert given == [(owner.st_uid, owner.st_gid)] * 2, "one for each file, when it is made"


def test_a_link_in_place_of_a_lock_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.touch()
    (tmp_path / "system-proxy.lock").symlink_to(elsewhere)
    with pytest.raises(ProtectError, match="symbolic"), Memory(tmp_path).turn():
        pass


def test_there_is_one_keeper(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    assert not memory.is_kept()
    with memory.keeping():
        assert Memory(tmp_path).is_kept()
        with memory.turn():  # another lock
            pass
    assert not memory.is_kept()
