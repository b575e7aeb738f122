"""`seawall indicators import` and `export`: Defender's tables, all rows or none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from proxy.cli import main

CONFIG = "# mine\nindicators:\n  - block: a.example   # one\n\n  # about b\n  - warn: b.example\nfeeds: []  # none\n"
HEADER = "indicatorType,indicatorValue,action,title,description,rbacGroups,GenerateAlert\n"
GOOD = 'DomainName,evil.example,Block,Evil,Seen,"children, guests",True\nUrl,https://c.example/x,Warn,C,D,,False\n'
BAD = "DomainName,worse.example,BlockAndRemediate,W,D,,\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "config.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["indicators", *arguments])


def listed() -> list[tuple[str, str]]:
    return [(one["action"], one["value"]) for one in json.loads(run("list", "--json").stdout)]


def test_a_table_is_imported_and_the_file_keeps_its_comments(folder: Path) -> None:
    (folder / "t.csv").write_text(HEADER + GOOD)
    done = run("import", "t.csv")
    assert (done.exit_code, done.stdout) == (0, "imported 2 indicators into config.yaml; 0 of 2 rows refused\n")
    text = (folder / "config.yaml").read_text()
    assert [line for line in CONFIG.splitlines() if line not in text.splitlines()] == []
    assert listed() == [
        ("block", "a.example"),
        ("warn", "b.example"),
        ("block", "evil.example"),
        ("warn", "c.example/x"),
    ]
    (evil,) = [one for one in json.loads(run("list", "--json").stdout) if one["value"] == "evil.example"]
    assert (evil["title"], evil["device_groups"], evil["generate_alert"]) == ("Evil", ["children", "guests"], True)


def test_one_bad_row_and_nothing_is_written_unless_told_to_keep_going(folder: Path) -> None:
    (folder / "t.csv").write_text(HEADER + GOOD + BAD)
    done = run("import", "t.csv")
    assert done.exit_code == 1
    assert "row 4: worse.example: action: BlockAndRemediate is not for DomainName" in done.stderr
    assert "nothing written; 2 indicators could be; 1 of 3 rows refused" in done.stdout
    assert (folder / "config.yaml").read_text() == CONFIG
    again = run("import", "t.csv", "--keep-going")
    assert again.exit_code == 1
    assert ("block", "evil.example") in listed()
    assert ("block", "worse.example") not in listed()


def test_each_row_has_its_result_as_json_and_a_dry_run_writes_nothing(folder: Path) -> None:
    rows = "DomainName,a.example,Block,A,D,,\n" + "DomainName,evil.example,Allowed,E,D,,\n" * 2
    (folder / "t.csv").write_text(HEADER + GOOD + BAD + rows)
    done = run("import", "t.csv", "--dry-run", "--keep-going", "--json")
    document = json.loads(done.stdout)
    assert [(one["row"], one["indicator"], one["isFailed"]) for one in document["value"]] == [
        (2, "evil.example", False),
        (3, "https://c.example/x", False),
        (4, "worse.example", True),
        (5, "a.example", False),
        (6, "evil.example", False),
        (7, "evil.example", False),
    ]
    reasons = [one["failureReason"] for one in document["value"]]
    assert reasons[3] == "stands there already"
    assert reasons[5] == "repeats row 6"
    assert document["imported"] == 0
    assert (folder / "config.yaml").read_text() == CONFIG


@pytest.mark.parametrize("format_", ["defender-csv", "defender-json"])
def test_an_export_is_imported_again(format_: str, folder: Path) -> None:
    (folder / "t.csv").write_text(HEADER + GOOD)
    assert run("import", "t.csv").exit_code == 0
    before = listed()
    assert run("export", "--format", format_, "--output", "out").exit_code == 0
    (folder / "config.yaml").write_text("feeds: []\n")
    done = run("import", "out")
    assert (done.exit_code, listed()) == (0, before)
    assert run("import", "out").stdout.startswith("row ")  # all stand there already
    assert run("export", "--format", format_).stdout == (folder / "out").read_text()


def test_what_cannot_be_exported_is_named(folder: Path) -> None:
    (folder / "config.yaml").write_text("indicators:\n  - block: 192.0.2.0/24\n  - block: a.example\n")
    done = run("export", "--format", "defender-csv")
    assert done.exit_code == 0
    assert "config.yaml:2: block 192.0.2.0/24: left out: Defender takes one address, no network" in done.stderr
    assert "a.example" in done.stdout
    assert run("export", "--format", "defender-csv", "--output", "no/such/folder").exit_code == 1


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "expected a header"),
        ("indicatorType,x\n", "there is no column 'x'"),
        ('{"a": 1}', "expected a list"),
        (None, "No such"),
    ],
)
def test_a_file_that_is_no_table_is_refused(content: str | None, why: str, folder: Path) -> None:
    if content is not None:
        (folder / "t.csv").write_text(content)
    done = run("import", "t.csv")
    assert done.exit_code == 2
    assert why in done.stderr


def test_more_rows_than_defender_takes_are_refused(folder: Path) -> None:
    (folder / "t.json").write_text(json.dumps([{}] * 15_001))
    done = run("import", "t.json", "--format", "defender-json")
    assert done.exit_code == 2
    assert "more than 15,000 rows" in done.stderr


def test_rows_go_to_the_file_that_is_named(folder: Path) -> None:
    (folder / "config.yaml").write_text("indicator_files: [team]\n")
    (folder / "team").mkdir()
    (folder / "t.csv").write_text(HEADER + GOOD)
    assert run("import", "t.csv", "--file", "team/new.yaml").exit_code == 0
    assert "evil.example" in (folder / "team" / "new.yaml").read_text()
    assert (folder / "config.yaml").read_text() == "indicator_files: [team]\n"
