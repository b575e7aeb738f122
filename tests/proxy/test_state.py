from __future__ import annotations

import stat
from pathlib import Path

import pytest

from proxy.state import StateDir


def test_every_folder_is_ours_alone(tmp_path: Path) -> None:
    state = StateDir(tmp_path / "deep" / "state")
    state.prepare()
    for folder in (
        state.root,
        state.ca_dir,
        state.snapshots,
        state.feeds,
        state.overlay,
        state.spool,
        state.secrets,
        state.run,
    ):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_directory_open_to_others_is_closed(tmp_path: Path) -> None:
    root = tmp_path / "state"
    root.mkdir(mode=0o755)
    StateDir(root).prepare()
    assert stat.S_IMODE(root.stat().st_mode) == 0o700


def test_a_link_is_refused_with_what_to_change(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "state").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PermissionError, match="set `state_dir` to a directory of your own"):
        StateDir(tmp_path / "state").prepare()


def test_sockets_of_a_deep_state_directory_stay_short(tmp_path: Path) -> None:
    deep = StateDir(tmp_path / ("d" * 120))
    assert len(str(deep.control_socket)) < 100
    assert deep.run != StateDir(tmp_path / ("e" * 120)).run
    assert StateDir(Path("/s")).resolver_socket == Path("/s/run/resolver")


def test_the_files_lie_where_the_documents_say(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    names = [state.ca_certificate, state.overlay_database, state.collector_database, state.endpoints]
    assert [str(path.relative_to(tmp_path)) for path in names] == [
        "ca/mitmproxy-ca-cert.pem",
        "overlay.sqlite",
        "collector.sqlite",
        "endpoints.json",
    ]
