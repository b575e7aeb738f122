from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from proxy.config.model import Config
from proxy.service_unit.install import install
from proxy.service_unit.unit import NAME, Paths, UnitError, unit

PATHS = Paths(Path("/usr/bin/python3"), Path("/opt/sea wall/100%"), Path("/etc/seawall/$config.yaml"))


def config(**sections: Any) -> Config:
    return Config.model_validate({"user": "nobody", "state_dir": "/var/lib/seawall", **sections})


@pytest.mark.parametrize(
    ("sections", "capabilities"),
    [
        ({}, ""),
        ({"dns": {"port": 53}}, "CAP_NET_BIND_SERVICE"),
        ({"proxy": {"tproxy_port": 8444}}, "CAP_NET_ADMIN"),
        ({"proxy": {"tproxy_port": 8444}, "dns": {"port": 53}}, "CAP_NET_BIND_SERVICE CAP_NET_ADMIN"),
    ],
)
def test_only_the_rights_that_are_needed_are_given(sections: dict[str, Any], capabilities: str) -> None:
    lines = unit(config(**sections), PATHS).splitlines()
    assert f"CapabilityBoundingSet={capabilities}" in lines
    assert f"AmbientCapabilities={capabilities}" in lines
    assert "NoNewPrivileges=yes" in lines
    assert "ProtectSystem=strict" in lines
    assert "User=nobody" in lines


def test_what_systemd_would_expand_is_escaped() -> None:
    lines = unit(config(), PATHS).splitlines()
    assert "WorkingDirectory=/opt/sea wall/100%%" in lines
    assert 'ExecStart="/usr/bin/python3" -m proxy.cli run --config "/etc/seawall/$$config.yaml"' in lines


@pytest.mark.parametrize(
    ("given", "paths", "why"),
    [
        (config(user=""), PATHS, "set the user"),
        (config(user="root"), PATHS, "set the user"),
        (config(state_dir="state"), PATHS, "absolute paths"),
        (config(), Paths(Path("/a"), Path("/b"), Path('/c"\nExecStart=/x')), "without quotes"),
    ],
)
def test_what_makes_no_unit(given: Config, paths: Paths, why: str) -> None:
    with pytest.raises(UnitError, match=why):
        unit(given, paths)


def test_the_file_is_written_whole_in_place_of_an_older_one(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("old")
    path = install("new\n", tmp_path)
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new\n", 0o644)
    assert [each.name for each in tmp_path.iterdir()] == [NAME]
    with pytest.raises(FileNotFoundError):
        install("new\n", tmp_path / "nowhere")


@pytest.mark.heavy
def test_systemd_takes_it_and_finds_little_exposed(tmp_path: Path, require_program: Callable[..., str]) -> None:
    analyze = require_program("systemd-analyze", "systemd")
    paths = Paths(Path("/usr/bin/env"), Path("/"), Path("/etc/hostname"))
    path = install(unit(config(user="daemon", dns={"port": 53}), paths), tmp_path)
    verified = subprocess.run([analyze, "verify", str(path)], capture_output=True, text=True, timeout=60, check=False)
    complaints = [line for line in verified.stderr.splitlines() if NAME in line and "not executable" not in line]
    assert complaints == [], verified.stderr
    judged = subprocess.run(
        [analyze, "security", "--offline=yes", "--threshold=30", "--no-pager", str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert judged.returncode == 0, judged.stdout[-2000:] + judged.stderr
