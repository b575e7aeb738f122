"""A small `nft` of our own, first in PATH: it writes down what it is told, or says what a test wants it to say."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def nft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the program's file; what it is told is in `said` beside it."""
    program = tmp_path / "nft"
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    says(program, f"cat >> {tmp_path}/said")
    return program


def says(program: Path, body: str) -> None:
    """Let the program do this from now on."""
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
