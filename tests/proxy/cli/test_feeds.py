"""`seawall feeds`, as a user meets it: tables, JSON, exit codes, and help that teaches."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from proxy.cli import feeds as command
from proxy.config.sections.feeds import FeedConfig


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "names.txt").write_text("bad.example\nGitHub.com\n# c\nnot a host\nlocalhost\n")
    (tmp_path / "hosts").write_text("8.8.1.1 bank.example\n")
    (tmp_path / "config.yaml").write_text(
        "feeds:\n"
        "  - {name: names, path: names.txt, format: domains, category: phishing}\n"
        "  - {name: hosts, path: hosts}\n"
        "  - {name: off, path: off.txt, enabled: false}\n"
    )
    return tmp_path


def seawall(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(command.feeds, [arguments[0], "--config", str(folder / "config.yaml"), *arguments[1:]])


def states(result: Result) -> dict[str, Any]:
    return {one["name"]: one["state"] for one in json.loads(result.stdout)}


def test_update_then_list_then_show(folder: Path) -> None:
    assert states(seawall(folder, "list", "--json")) == {"names": "waiting", "hosts": "waiting", "off": "disabled"}
    done = seawall(folder, "update", "--json")
    assert done.exit_code == 0, done.output
    assert states(done) == {"names": "fresh", "hosts": "fresh", "off": "disabled"}
    assert "names" in seawall(folder, "list").stdout
    shown = seawall(folder, "show", "names").stdout
    for part in (
        "in force: 1; demoted to audit: 1",
        "skipped, 1: not a host name",
        "line 4: not a host",
        "guard, 1: anyone may",
    ):
        assert part in shown
    assert "ask for a redirection" in seawall(folder, "show", "hosts").stdout
    report = json.loads(seawall(folder, "show", "names", "--json").stdout)["report"]
    assert report["lines"] == 5
    assert report["skipped"]["comment"] == 1


def test_show_before_anything_was_fetched(folder: Path) -> None:
    assert "waiting" in seawall(folder, "show", "names").stdout
    assert json.loads(seawall(folder, "show", "off", "--json").stdout)["report"] == {}


def test_a_failing_feed_is_named_and_the_exit_code_says_so(folder: Path) -> None:
    (folder / "hosts").unlink()
    done = seawall(folder, "update", "names", "hosts")
    assert done.exit_code == 1
    assert "hosts failed" in done.stderr
    assert "No such file" in done.stderr


def test_a_held_version_is_shown_and_accepted(folder: Path) -> None:
    seawall(folder, "update")
    (folder / "names.txt").write_text("# gone\n")
    done = seawall(folder, "update", "names")
    assert done.exit_code == 0
    assert "names held the new version has no usable entry" in done.stderr
    assert states(seawall(folder, "list", "--json"))["names"] == "held"
    assert seawall(folder, "accept", "names", "--json").exit_code == 0
    assert states(seawall(folder, "list", "--json"))["names"] == "empty"
    again = seawall(folder, "accept", "names")
    assert again.exit_code == 2
    assert "no version of names is held back" in again.stderr


def test_diff_shows_what_a_held_version_would_change_and_then_what_it_changed(folder: Path) -> None:
    names = folder / "names.txt"
    names.write_text("".join(f"h{n}.example\n" for n in range(30)))
    assert seawall(folder, "diff", "names").exit_code == 2
    seawall(folder, "update", "names")
    assert "not two versions" in seawall(folder, "diff", "names").stderr
    names.write_text("new.example\nh1.example\n")
    seawall(folder, "update", "names")
    shown = seawall(folder, "diff", "names").stdout
    assert "30 entries before, 2 after (held: the new version has 2 entries, less than half" in shown
    assert "added: 1\n    + new.example\nremoved: 29\n" in shown
    assert "    - … and 9 more" in shown
    plain = json.loads(seawall(folder, "diff", "names", "--json").stdout)
    assert (plain["added"], plain["removed"], plain["added_samples"]) == (1, 29, ["new.example"])
    assert "less than half" in plain["held"]
    seawall(folder, "accept", "names")
    again = json.loads(seawall(folder, "diff", "names", "--json").stdout)
    assert again == plain | {"held": ""}
    for path in (folder / ".seawall" / "feeds" / "names").glob("*.rows"):
        path.unlink()
    assert "no longer kept" in seawall(folder, "diff", "names").stderr


def test_show_adds_up_and_names_licence_and_doubts(folder: Path) -> None:
    with (folder / "config.yaml").open("a") as file:
        file.write(
            "  - {name: nc, path: names.txt, format: domains, licence: CC-BY-NC-4.0, terms: ask us,"
            " commercial_use: forbidden}\n"
        )
    seawall(folder, "update")
    shown = seawall(folder, "show", "nc").stdout
    for part in ("licence: CC-BY-NC-4.0", "terms: ask us", "note: not for commercial use", "1 + 1 + 0 + 3 skipped = 5"):
        assert part in shown


@pytest.mark.parametrize("verb", ["show", "accept", "update", "diff"])
def test_an_unknown_feed_is_answered_with_the_known_ones(folder: Path, verb: str) -> None:
    done = seawall(folder, verb, "nmaes")
    assert done.exit_code == 2
    assert "there is no feed 'nmaes'; feeds are: names, hosts, off" in done.stderr


def test_without_feeds_it_says_how_one_is_written(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("feeds: []\n")
    done = seawall(tmp_path, "update")
    assert done.exit_code == 0
    assert "No feeds are configured" in done.stderr
    assert "none are configured" in seawall(tmp_path, "show", "x").stderr


def test_a_state_directory_that_cannot_be_used_stops_it(folder: Path) -> None:
    seawall(folder, "update")
    lock = folder / ".seawall" / "feeds" / "lock"
    lock.unlink()
    lock.mkdir()
    done = seawall(folder, "update")
    assert done.exit_code == 1
    assert "Error: " in done.stderr
    assert seawall(folder, "accept", "names").exit_code == 2


def test_help_shows_a_feed_that_the_model_accepts() -> None:
    text = CliRunner().invoke(command.feeds, ["--help"]).stdout
    fields = dict(
        line.strip("- ").split("#")[0].split(": ", 1) for line in text.splitlines() if line.startswith("      ")
    )
    feed = FeedConfig.model_validate(
        {key: value.strip() for key, value in fields.items() if key in FeedConfig.model_fields}
    )
    assert (feed.name, feed.format) == ("urlhaus", "urls")


def test_on_a_terminal_a_bar_counts_feeds(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = command.Console(stderr=True, force_terminal=True, width=100)
    monkeypatch.setattr(command, "Console", lambda **_: terminal)
    (folder / "hosts").unlink()
    done = seawall(folder, "update", "--json")
    assert done.exit_code == 1
