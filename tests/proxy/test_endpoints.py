from __future__ import annotations

import stat
from pathlib import Path

import pytest

from proxy.endpoints import read, spell, split, write


def test_written_whole_and_private(tmp_path: Path) -> None:
    path = tmp_path / "endpoints.json"
    (tmp_path / ".endpoints.json.draft").write_text("of a gateway that was killed")
    write(path, {"dns": "127.0.0.1:53"})
    assert read(path) == {"dns": "127.0.0.1:53"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["endpoints.json"]


def test_where_no_gateway_runs(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="start it with `seawall run`"):
        read(tmp_path / "endpoints.json")


@pytest.mark.parametrize("text", ["", "[]", "{"])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "endpoints.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"endpoints.json: is damaged"):
        read(path)


@pytest.mark.parametrize(("host", "text"), [("127.0.0.1", "127.0.0.1:80"), ("::1", "[::1]:80")])
def test_addresses_both_ways(host: str, text: str) -> None:
    assert spell(host, 80) == text
    assert split(text) == (host, 80)
