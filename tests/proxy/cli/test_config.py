"""`seawall config`: exit codes, summary and errors for people and for scripts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from proxy.cli import main


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_good_file_is_summed_up(folder: Path) -> None:
    (folder / "more.yaml").write_text("- block: [a.example, b.example]\n")
    (folder / "config.yaml").write_text(
        "indicators: [c.example]\nindicator_files: [more.yaml]\ntest_feed: false\n"
        "feeds: [{name: a, path: a.txt}, {name: b, path: b.txt, enabled: false}]\n"
    )
    result = CliRunner().invoke(main, ["config", "check"])
    assert result.exit_code == 0
    assert result.stdout == "ok: 3 indicators, 1 indicator file, 1 feed on, 1 off, test feed off\n"
    result = CliRunner().invoke(main, ["config", "check", "--json"])
    assert json.loads(result.stdout) == {
        "ok": True, "config": "config.yaml", "indicators": 3, "files": 1, "feeds": 1, "disabled_feeds": 1,
        "test_feed": False, "problems": [],
    }  # fmt: skip


def test_mistakes_exit_2(folder: Path) -> None:
    (folder / "mine.yaml").write_text("proxy: {prot: 1}\ndns: {port: x}\n")
    result = CliRunner().invoke(main, ["config", "check", "--config", "mine.yaml"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines() == [
        "mine.yaml:1: proxy.prot: unknown key; did you mean `port`?",
        "mine.yaml:2: dns.port: expected a whole number from 0 to 65535, got 'x'",
    ]
    result = CliRunner().invoke(main, ["config", "check", "--config", "mine.yaml", "--json"])
    assert result.exit_code == 2
    body = json.loads(result.stdout)
    assert body["ok"] is False
    assert body["problems"][0] == {
        "file": "mine.yaml", "line": 1, "key": "proxy.prot", "message": "unknown key; did you mean `port`?",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "config.yaml: no such file here; name your configuration with --config FILE"),
        (["--config", "other.yaml"], "other.yaml: no such file"),
        (["--config", "."], "expected a file, found a folder"),
    ],
)
def test_no_file_exits_2(folder: Path, arguments: list[str], says: str) -> None:
    result = CliRunner().invoke(main, ["config", "check", *arguments])
    assert result.exit_code == 2
    assert says in result.stderr


def test_schema_is_printed() -> None:
    result = CliRunner().invoke(main, ["config", "schema"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["title"] == "Seawall configuration"
