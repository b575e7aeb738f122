"""Files that cannot be read say why; nothing but a small UTF-8 file is taken."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from proxy.config import source_file
from proxy.config.errors import ConfigError
from proxy.config.source_file import read_text, shown


def test_text_comes_without_its_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(b"\xef\xbb\xbfa: \xc3\xa4\r\n")
    assert read_text(file) == "a: ä\r\n"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("missing.yaml", "missing.yaml: no such file"),
        ("folder", "folder: expected a file, found a folder"),
        ("pipe", "pipe: expected a file, found a device"),
        ("file/below", "cannot be read: Not a directory"),
        ("latin.yaml", "latin.yaml:2: expected UTF-8, found the byte 0xe4"),
        ("utf16.yaml", "utf16.yaml:1: expected UTF-8, found the byte 0xff"),
        ("large.yaml", "larger than 2048 KiB; give long lists as a feed"),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, name: str, says: str) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_text("")
    (tmp_path / "latin.yaml").write_bytes(b"a: 1\nb: \xe4\n")
    (tmp_path / "utf16.yaml").write_bytes("a: 1\n".encode("utf-16"))
    (tmp_path / "large.yaml").write_bytes(b"#" * (source_file.MAX_BYTES + 1))
    with pytest.raises(ConfigError) as caught:
        read_text(tmp_path / name)
    assert says in str(caught.value)


def test_a_file_without_permission_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "secret.yaml"
    file.write_text("a: 1")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ConfigError, match="cannot be read: Permission denied"):
        read_text(file)


def test_names_are_shown_relative_below_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert shown(tmp_path / "conf" / "config.yaml") == "conf/config.yaml"
    assert shown(Path("/elsewhere/config.yaml")) == "/elsewhere/config.yaml"
