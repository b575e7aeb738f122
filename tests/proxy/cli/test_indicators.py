"""`seawall indicators`: what each subcommand prints, writes and exits with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from proxy.cli import main

CONFIG = """\
# mine
indicators:
  - block: a.example   # one

  # about b
  - warn: [b.example, 'c.example']
indicator_files: [more, extra.yaml]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "config.yaml").write_text(CONFIG)
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "x.yaml").write_text("- allow: d.example\n  expiration: 2030-01-01\n")
    (tmp_path / "extra.yaml").write_text("# empty\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["indicators", *arguments])


def test_list_shows_everything_with_its_place(folder: Path) -> None:
    found = json.loads(run("list", "--json").stdout)
    assert [(one["action"], one["value"], one["file"], one["line"]) for one in found] == [
        ("block", "a.example", "config.yaml", 3),
        ("warn", "b.example", "config.yaml", 6),
        ("warn", "c.example", "config.yaml", 6),
        ("allow", "d.example", "more/x.yaml", 1),
    ]
    assert (found[0]["expiration"], found[3]["expiration"]) == (None, "2030-01-02T00:00:00+00:00")
    table = run("list")
    assert table.exit_code == 0
    assert "config.yaml:6" in table.stdout


def test_add_keeps_the_file_and_says_where(folder: Path) -> None:
    result = run("add", "hxxp://E[.]example/x", "--action", "block")
    assert (result.exit_code, result.stdout) == (0, "config.yaml:7: block e.example/x\n")
    assert (folder / "config.yaml").read_text() == CONFIG.replace(
        "indicator_files", "  - block: hxxp://E[.]example/x\nindicator_files"
    )


def test_add_takes_every_field(folder: Path) -> None:
    options = (
        "--title T --description D --category phishing --severity high --expiration 2030-01-02 --recommended-actions R "
        "--educate-url https://help.example/ --device-group kids --device-group guests --no-alert --exact "
        "--always-inspect --type url --file extra.yaml"
    ).split()
    assert run("add", "e.example", "--action", "warn", *options).exit_code == 0
    one = json.loads(run("list", "--json").stdout)[-1]
    assert one == {
        "value": "e.example/", "type": "url", "action": "warn", "category": "phishing", "title": "T",
        "description": "D", "severity": "high", "since": None, "expiration": "2030-01-03T00:00:00+00:00",
        "generate_alert": False, "recommended_actions": "R", "educate_url": "https://help.example/",
        "device_groups": ["guests", "kids"], "exact": True, "always_inspect": True, "file": "extra.yaml", "line": 4,
    }  # fmt: skip
    assert (folder / "extra.yaml").read_text().startswith("# empty\n\nindicators:\n")


def test_add_makes_a_new_file_in_a_folder_of_indicators(folder: Path) -> None:
    assert run("add", "e.example", "--action", "block", "--file", "more/new.yaml").exit_code == 0
    assert (folder / "more" / "new.yaml").read_text() == "indicators:\n  - block: e.example\n"
    assert json.loads(run("list", "--json").stdout)[-2]["file"] == "more/new.yaml"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["e.example", "--action", "block", "--file", "more/new.txt"], 2, "more/new.txt is not read by config.yaml"),
        (["a b", "--action", "block"], 2, "'a b' is not a host name"),
        (["e.example", "--action", "block", "--expiration", "soon"], 2, "expiration: expected a date"),
        (["e.example", "--action", "audit", "--no-alert"], 2, "generate_alert: expected true"),
        (["e.example", "--action", "kill"], 2, "'kill' is not one of"),
        (["e.example"], 2, "Missing option '--action'"),
        (["e.example", "--action", "block", "--file", "other.yaml"], 2, "other.yaml is not read by config.yaml"),
        (["A.example.", "--action", "block"], 1, "config.yaml:3: block a.example stands there already"),
    ],
)
def test_add_refuses(folder: Path, arguments: list[str], code: int, says: str) -> None:
    result = run("add", *arguments)
    assert result.exit_code == code
    assert says in result.stderr
    assert (folder / "config.yaml").read_text() == CONFIG


@pytest.mark.parametrize(
    ("action", "note"),
    [("allow", "note: config.yaml:3 says block a.example; allow wins\n"), ("audit", "")],
)
def test_add_says_what_contradicts_it(folder: Path, action: str, note: str) -> None:
    result = run("add", "a.example", "--action", action)
    assert (result.exit_code, result.stderr) == (0, note)


def test_remove_takes_it_from_every_file(folder: Path) -> None:
    (folder / "extra.yaml").write_text("- C.Example # two\n- d.example\n")
    result = run("remove", "c.example")
    assert (result.exit_code, result.stdout) == (0, "removed c.example from config.yaml:6, extra.yaml:1\n")
    assert (folder / "config.yaml").read_text() == CONFIG.replace(", 'c.example'", "")
    assert (folder / "extra.yaml").read_text() == "- d.example\n"


def test_remove_can_be_narrowed(folder: Path) -> None:
    (folder / "extra.yaml").write_text("- block: a.example\n- allow: a.example\n")
    assert run("remove", "a.example", "--file", "extra.yaml", "--action", "allow").exit_code == 0
    assert (folder / "extra.yaml").read_text() == "- block: a.example\n"
    assert (folder / "config.yaml").read_text() == CONFIG


@pytest.mark.parametrize(
    ("value", "code", "says"),
    [("z.example", 1, "there is no indicator z.example to remove"), ("a b", 2, "not a host name")],
)
def test_remove_refuses(folder: Path, value: str, code: int, says: str) -> None:
    result = run("remove", value)
    assert result.exit_code == code
    assert says in result.stderr


def test_a_file_that_cannot_be_edited_is_left_alone(folder: Path) -> None:
    (folder / "extra.yaml").write_text("x: &a [e.example]\n")
    (folder / "extra.yaml").write_text("{}\n")
    result = run("add", "e.example", "--action", "block", "--file", "extra.yaml")
    assert result.exit_code == 1
    assert "extra.yaml: cannot be edited by a program" in result.stderr


def test_a_broken_configuration_is_not_edited(folder: Path) -> None:
    (folder / "extra.yaml").write_text("- blok: x\n")
    for arguments in (("add", "e.example", "--action", "block"), ("remove", "a.example"), ("list",), ("lint",)):
        result = run(*arguments)
        assert result.exit_code == 2
        assert result.stderr.startswith("extra.yaml:1: [0].blok: ")
    assert (folder / "config.yaml").read_text() == CONFIG


def test_lint_of_the_configuration(folder: Path) -> None:
    result = run("lint")
    assert (result.exit_code, result.stdout) == (0, "nothing to say about 4 indicators\n")
    (folder / "extra.yaml").write_text("- a.example\n- https://e.example/x\n")
    result = run("lint")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[0] == "extra.yaml:1: warning: a.example: stands at config.yaml:3 already"
    assert [one["level"] for one in json.loads(run("lint", "--json").stdout)] == ["warning", "note"]


def test_lint_of_files_alone(folder: Path) -> None:
    (folder / "draft.yaml").write_text("- com\n")
    assert run("lint", "draft.yaml").exit_code == 1
    assert run("lint", "more/x.yaml").exit_code == 0
    (folder / "draft.yaml").write_text("- blok: x\n")
    result = run("lint", "draft.yaml", "gone.yaml")
    assert result.exit_code == 2
    assert "draft.yaml:1: [0].blok" in result.stderr
    assert "gone.yaml: no such file" in result.stderr
