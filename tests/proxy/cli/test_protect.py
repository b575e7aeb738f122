from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from proxy.cli import protect as cli
from proxy.config.model import Config
from proxy.firewall.kernel import FirewallError
from proxy.firewall.plan import PlanError
from proxy.protect.way import Found, OnCrash, ProtectError, State


class Way:
    """Do as told."""

    name = "rules"

    def __init__(self) -> None:
        self.problem: Exception | None = None
        self.found = Found(State.OFF, applied=False, intercepted=False)
        self.up: list[Config] = []
        self.down = 0

    def put_up(self, config: Config) -> None:
        if self.problem:
            raise self.problem
        self.up.append(config)

    def take_down(self) -> None:
        if self.problem:
            raise self.problem
        self.down += 1

    def look(self) -> Found:
        if self.problem:
            raise self.problem
        return self.found

    def after_crash(self, on_crash: OnCrash) -> str:
        return f"{on_crash}: as it is"


@pytest.fixture
def way(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Way:
    made = Way()
    monkeypatch.setattr(cli, "way_here", lambda wanted, state_dir: made)
    monkeypatch.chdir(tmp_path)
    return made


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "other.yaml"
    path.write_text("state_dir: state\n")
    return path


def _run(*words: str) -> Result:
    return CliRunner().invoke(cli.protect, words)


def test_on_says_what_a_crash_means(way: Way, config: Path) -> None:
    done = _run("on", "--config", str(config), "--json")
    assert json.loads(done.output) == {"state": "protected", "on_crash": "open", "way": "rules"}
    assert way.up[0].state_dir == config.parent / "state"
    done = _run("on", "--config", str(config))
    assert done.output.startswith("protected:")
    assert "after a crash of the gateway: open: as it is" in done.output


@pytest.mark.parametrize("words", [["on"], ["off"], ["status"]])
def test_what_the_system_refuses_exits_1(way: Way, config: Path, words: list[str]) -> None:
    for problem in (FirewallError("needs CAP_NET_ADMIN"), ProtectError("no gateway is running")):
        if words == ["status"] and isinstance(problem, FirewallError):
            continue
        way.problem = problem
        done = _run(*words, "--config", str(config))
        assert (done.exit_code, str(problem) in done.stderr) == (1, True)
        done = _run(*words, "--config", str(config), "--json")
        assert (done.exit_code, json.loads(done.output)["error"]) == (1, str(problem))


def test_a_configuration_that_does_not_do_exits_2(way: Way, config: Path) -> None:
    way.problem = PlanError("proxy.transparent_port: is not set")
    done = _run("on", "--config", str(config))
    assert (done.exit_code, f"error: {config}: proxy.transparent_port: is not set" in done.stderr) == (2, True)


def test_off_needs_no_configuration_where_the_way_asks_for_none(way: Way) -> None:
    assert _run("off").output.startswith("off:")
    assert json.loads(_run("off", "--json").output) == {"state": "off"}
    assert way.down == 2


def test_a_way_that_needs_the_state_directory_is_given_it(
    config: Path, monkeypatch: pytest.MonkeyPatch, way: Way
) -> None:
    given, asked = list[Path](), list[str]()
    config.write_text("state_dir: state\nprotect: {way: settings}\n")

    def way_here(wanted: str, state_dir: Callable[[], Path]) -> Way:
        asked.append(wanted)
        given.append(state_dir())
        return way

    monkeypatch.setattr(cli, "way_here", way_here)
    assert _run("off", "--config", str(config)).exit_code == 0
    assert (given, asked) == ([config.parent / "state"], ["settings"])
    assert _run("off").exit_code == 2, "there is no config.yaml here"


@pytest.mark.parametrize(
    ("found", "code", "text"),
    [
        (Found(State.PROTECTED, applied=True, intercepted=True), 0, "protected:"),
        (Found(State.NOT_INTERCEPTED, applied=True, intercepted=False), 1, "NOT protected: rules are in force"),
        (Found(State.OFF, applied=None, intercepted=False), 1, "off:"),
    ],
)
def test_only_what_is_intercepted_is_called_protected(way: Way, found: Found, code: int, text: str) -> None:
    way.found = found
    done = _run("status", "--json")
    said = {"state": str(found.state), "rules": found.applied, "intercepted": found.intercepted}
    assert (done.exit_code, json.loads(done.output)) == (code, said)
    assert _run("status").output.startswith(text)
