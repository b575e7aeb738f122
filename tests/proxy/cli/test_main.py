from __future__ import annotations

import pytest
from click.testing import CliRunner

from proxy.cli import _COMMANDS, main


def test_help_lists_every_command_without_importing_one() -> None:
    done = CliRunner().invoke(main, ["--help"])
    assert done.exit_code == 0
    assert all(f"  {name} " in done.output for name in _COMMANDS)


@pytest.mark.parametrize("name", _COMMANDS)
def test_every_command_teaches(name: str) -> None:
    done = CliRunner().invoke(main, [name, "--help"])
    assert done.exit_code == 0
    assert len(done.output.splitlines()) > 5


def test_an_unknown_command_is_bad_input() -> None:
    done = CliRunner().invoke(main, ["protekt"])
    assert done.exit_code == 2
    assert "No such command" in done.output
