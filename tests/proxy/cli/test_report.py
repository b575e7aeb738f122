from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from indicators.observation import Device
from proxy.cli import main
from proxy.decryption_budget import DecryptionBudget


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "config.yaml").write_text("state_dir: s\n")
    (tmp_path / "s").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "s" / "decryption"


def run(*arguments: str) -> str:
    result = CliRunner().invoke(main, ["report", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_decryption_budget_for_people_and_programs(folder: Path) -> None:
    assert "0 connections decrypted" in run("decryption")
    budget = DecryptionBudget(folder, "inspector", lambda: datetime(2026, 3, 1, tzinfo=UTC))
    for _ in range(3):
        budget.opened(Device("p", "the phone"), "evil.test")
    budget.unenforced(Device("p", "the phone"), "github.test")
    budget.unseen(Device("p", "the phone"), "encrypted archive")
    budget.write()
    shown = run("decryption")
    assert "since 2026-03-01" in shown
    assert "3 connections decrypted" in shown
    assert "1 connections passed unopened" in shown
    for word in ("the phone", "evil.test", "github.test", "1 downloads passed", "encrypted archive"):
        assert word in shown
    assert json.loads(run("decryption", "--json"))["opened"] == [
        {"device": "p", "name": "the phone", "why": "evil.test", "count": 3}
    ]


def test_hosts_that_are_never_opened() -> None:
    shown = run("never-inspect").splitlines()
    assert shown[0] == "# banks and payment"
    assert "bitwarden.com" in shown
    found = json.loads(run("never-inspect", "--json"))
    assert {"kind": "banks and payment", "host": "paypal.com"} in found
