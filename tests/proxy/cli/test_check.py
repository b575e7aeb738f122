"""`seawall check` as a process: exit codes, the table, JSON, the stream, and clean ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from proxy.cli import main

FEED = "feeds: [{name: list, path: list.txt}]\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "config.yaml").write_text("indicators: [evil.example, {warn: odd.example}, {audit: seen.example}]\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, **options: object) -> Result:
    return CliRunner().invoke(main, ["check", *arguments], **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("targets", "code"),
    [
        (["good.example"], 0),
        (["good.example", "seen.example"], 0),
        (["good.example", "evil.example"], 3),
        (["odd.example"], 3),
        (["https://smartscreentestratings2.net/"], 3),
        (["a b"], 2),
        (["evil.example", "a b", "good.example"], 2),
    ],
)
def test_exit_codes_and_json(folder: Path, targets: list[str], code: int) -> None:
    result = run("--json", *targets)
    assert result.exit_code == code
    found = json.loads(result.stdout)
    assert [one["target"] for one in found] == targets
    assert all({"action", "category", "source", "indicator", "reason"} <= one.keys() for one in found)
    assert ["error" in one for one in found] == [target == "a b" for target in targets]


NIGHT = """
groups:
  kids:
    schedules: [{name: night, time_zone: UTC, slots: [{start: "21:00", end: "06:00"}], everything: true}]
"""


@pytest.mark.parametrize(
    ("at", "code"),
    [
        ("2026-03-02T23:00+00:00", 3),
        ("2026-03-03T06:00+02:00", 3),
        ("2026-03-02T12:00+00:00", 0),
        ("23:30", 3),
        ("9:30", 0),
        ("soon", 2),
    ],
)
def test_a_group_at_a_time(folder: Path, monkeypatch: pytest.MonkeyPatch, at: str, code: int) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    (folder / "config.yaml").write_text(NIGHT)
    result = run("good.example", "--group", "kids", "--at", at, env={"COLUMNS": "300"})
    assert result.exit_code == code, result.output
    assert ("the schedule night of group kids" in result.output) is (code == 3)
    assert ("expected 21:30" in result.output) is (code == 2)
    monkeypatch.undo()
    time.tzset()


def test_the_table_is_for_people(folder: Path) -> None:
    result = run("evil.example", "a b", "[red]x", "\x1b[31mx", env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert "block" in result.stdout
    assert "config.yaml:1" in result.stdout
    assert "[red]x" in result.stdout
    assert "\x1b[31mx" not in result.stdout


def test_one_answer_is_a_line_for_each_part_of_it(folder: Path) -> None:
    lines = run("evil.example", env={"COLUMNS": "60"}).stdout.splitlines()
    told = dict(line.split(maxsplit=1) for line in lines if not line.startswith(" "))
    assert told["action"].strip() == "block"
    assert told["target"].strip() == "evil.example"
    assert {"category", "source", "indicator", "reason"} <= told.keys()


def test_a_stream_gives_a_line_for_each(folder: Path) -> None:
    result = run("-", input="evil.example\n\ngood.example\n")
    assert result.exit_code == 3
    assert [json.loads(line)["action"] for line in result.stdout.splitlines()] == ["block", "allow"]
    assert run("-", input="good.example").exit_code == 0
    result = run("-", input="good.example\na b\n")
    assert result.exit_code == 2
    assert "1 of 2 targets could not be judged" in result.stderr
    assert json.loads(result.stdout.splitlines()[1])["error"]


def test_without_a_snapshot_it_says_how_to_make_one(folder: Path) -> None:
    (folder / "config.yaml").write_text(FEED + "indicators: [evil.example]\n")
    result = run("--json", "evil.example")
    assert result.exit_code == 3
    result = run("--json", "evil.example", "other.example")
    assert result.exit_code == 2
    blocked, unknown = json.loads(result.stdout)
    assert (blocked["action"], unknown["action"]) == ("block", None)
    assert "seawall feeds update" in unknown["error"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "Missing argument"),
        (["-", "evil.example"], "give it alone"),
        (["x.example", "--config", "gone.yaml"], "gone.yaml: no such file"),
    ],
)
def test_bad_use_exits_2(folder: Path, arguments: list[str], says: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert says in result.stderr


def test_no_configuration_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("x.example")
    assert result.exit_code == 2
    assert "config.yaml: no such file here; name your configuration with --config FILE" in result.stderr


def test_a_state_directory_that_cannot_be_read(folder: Path) -> None:
    (folder / "config.yaml").write_text("state_dir: config.yaml\n")
    result = run("x.example")
    assert result.exit_code == 2
    assert "what is known cannot be read: " in result.stderr


def start(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", "from proxy.cli import main; main()", "check", *arguments],
        cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])},
    )  # fmt: skip


def test_a_reader_that_leaves_ends_it_quietly(folder: Path) -> None:
    process = start(folder, "-")
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    process.stdin.write(b"evil.example\n")
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["action"] == "block"
    process.stdout.close()
    process.stdin.write(b"evil.example\n" * 1000)
    process.stdin.close()
    assert process.wait(timeout=60) == 0
    assert process.stderr.read() == b""


def test_an_interrupt_ends_it_quietly(folder: Path) -> None:
    process = start(folder, "-")
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    process.stdin.write(b"evil.example\n")
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["target"] == "evil.example"
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130
    assert b"Traceback" not in process.stderr.read()
    process.stdin.close()
