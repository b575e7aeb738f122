from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from proxy.cli.service import service


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text("user: nobody\n")
    return path


def _run(*words: str) -> Result:
    return CliRunner().invoke(service, ["install", *words])


def test_a_unit_is_printed_and_written(config: Path, tmp_path: Path) -> None:
    printed = _run("--config", str(config), "--print")
    assert printed.exit_code == 0
    assert f'--config "{config}"' in printed.output
    assert json.loads(_run("--config", str(config), "--print", "--json").output)["unit"] == printed.output
    written = _run("--config", str(config), "--directory", str(tmp_path))
    assert written.exit_code == 0
    assert "systemctl enable --now seawall" in written.output
    assert (tmp_path / "seawall.service").read_text() == printed.output
    told = json.loads(_run("--config", str(config), "--directory", str(tmp_path), "--json").output)
    assert told["path"] == str(tmp_path / "seawall.service")


def test_a_configuration_without_a_user_exits_2(config: Path) -> None:
    config.write_text("{}\n")
    done = _run("--config", str(config), "--print")
    assert (done.exit_code, "set the user" in done.stderr) == (2, True)


def test_a_folder_that_cannot_be_written_exits_1(config: Path, tmp_path: Path) -> None:
    done = _run("--config", str(config), "--directory", str(tmp_path / "nowhere"))
    assert (done.exit_code, "run this as root" in done.stderr) == (1, True)
