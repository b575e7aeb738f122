from __future__ import annotations

from pathlib import Path

import pytest

from proxy.protect import programs
from proxy.protect.programs import RefusedError, run
from proxy.protect.way import ProtectError


@pytest.fixture
def says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    program = tmp_path / "settings"
    program.touch()
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("body", "problem", "why"),
    [
        ("echo no; echo way >&2; exit 3", RefusedError, "settings set: no way"),
        ("echo '** Error: Command requires admin privileges.'", ProtectError, "run it with sudo"),
        ("exec sleep 60", ProtectError, "did not answer within"),
    ],
)
def test_what_is_refused_is_said(
    says: Path, monkeypatch: pytest.MonkeyPatch, body: str, problem: type[ProtectError], why: str
) -> None:
    monkeypatch.setattr(programs, "_LIMIT", 1.0)
    says.write_text(f"#!/bin/sh\n{body}\n")
    with pytest.raises(problem, match=why):
        run("settings", "set", "more")


def test_what_it_prints_is_the_answer(says: Path) -> None:
    says.write_text('#!/bin/sh\necho "$@"\n')
    assert run("settings", "get", "a b") == "get a b\n"


def test_one_that_is_not_there_is_named() -> None:
    with pytest.raises(ProtectError, match="`no-such-program` is not there"):
        run("no-such-program")
