"""The names that others script against stay: make targets, keys of config.yaml and endpoints.json, commands, routes.

A name is only ever added here. Whoever must change one breaks somebody's script.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from proxy.cli import main
from proxy.config.model import Config
from proxy.config.sections.feeds import FeedConfig

ROOT = Path(__file__).resolve().parent.parent
TARGETS = {"setup", "run", "test", "bench"}
SECTIONS = {
    "proxy": {"host", "port", "socks_port"},
    "dns": {"host", "port", "upstreams", "blocked_answer", "hosts", "allow_clients"},
    "collector": {"url", "host", "port"},
    "policy": {"mode", "on_error", "convert_warn_to_block", "warn_without_page"},
    "privacy": {"hide_urls", "retention_days"},
}
KEYS = {"state_dir", "feeds", "indicators", "indicator_files", "inspect", "never_inspect", "inspect_untrusted"}
FEED = {"name", "url", "path", "format", "category", "interval", "enabled"}
ANSWER = {"target", "action", "category", "source", "indicator", "reason"}
COMMANDS = {
    "run": {"--config"},
    "check": {"--config", "--json"},
    "pilot": {"--config"},
    "console": {"--config"},
    "allow": {"--for"},
    "pause": set(),
    "config check": {"--config"},
    "indicators list": {"--config"},
    "indicators add": {"--config"},
    "indicators remove": {"--config"},
    "indicators lint": {"--config"},
    "ca show": {"--config"},
    "ca export": {"--config"},
    "ca rotate": {"--config"},
    "ca uninstall": {"--config"},
    "emulator attach": {"--config"},
    "emulator detach": {"--config"},
}


def test_make_targets() -> None:
    assert set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M)) >= TARGETS


def test_keys_of_the_configuration() -> None:
    assert set(Config.model_fields) >= KEYS | SECTIONS.keys()
    found = {name: set(type(getattr(Config(), name)).model_fields) for name in SECTIONS}
    assert {name: SECTIONS[name] - found[name] for name in SECTIONS if SECTIONS[name] - found[name]} == {}
    assert set(FeedConfig.model_fields) >= FEED


def test_defaults_that_a_user_is_told() -> None:
    config = Config()
    assert (str(config.proxy.host), config.proxy.port, config.proxy.socks_port) == ("127.0.0.1", 8080, 1080)
    assert (str(config.dns.host), config.dns.port) == ("127.0.0.1", 5053)
    assert (config.collector.url, config.collector.port) == ("embedded", 8088)
    assert str(config.state_dir) == ".seawall"


@pytest.mark.parametrize("path", COMMANDS)
def test_commands_and_their_options(path: str) -> None:
    command: click.Command | None = main
    for word in path.split():
        assert isinstance(command, click.Group), path
        command = command.get_command(click.Context(command), word)
    assert command is not None, f"`seawall {path}` is gone"
    assert {option for parameter in command.params for option in parameter.opts} >= COMMANDS[path]


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "config.yaml"
    path.write_text("indicators:\n  - block: evil.example\n")
    return str(path)


def test_check_answers_a_list_and_exits_3(config: str) -> None:
    done = CliRunner().invoke(main, ["check", "--config", config, "--json", "https://evil.example/", "good.example"])
    answers = json.loads(done.stdout)
    assert done.exit_code == 3
    assert [one["action"] for one in answers] == ["block", "allow"]
    assert [one["target"] for one in answers] == ["https://evil.example/", "good.example"]
    assert all(one.keys() >= ANSWER for one in answers)


def test_check_answers_standard_input_line_by_line_in_order(config: str) -> None:
    targets = ["good.example", "www.evil.example", "192.0.2.1"]
    done = CliRunner().invoke(main, ["check", "--config", config, "-"], input="\n".join(targets) + "\n")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.exit_code == 3
    assert [one["target"] for one in answers] == targets
    assert [one["action"] for one in answers] == ["allow", "block", "allow"]


@pytest.mark.parametrize(("targets", "code"), [(["good.example"], 0), (["evil.example"], 3), (["http://["], 2)])
def test_exit_codes_of_check(config: str, targets: list[str], code: int) -> None:
    assert CliRunner().invoke(main, ["check", "--config", config, *targets]).exit_code == code


def test_a_wrong_configuration_exits_2_with_file_line_and_key(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("dns:\n  port: many\n")
    done = CliRunner().invoke(main, ["config", "check", "--config", str(path)])
    assert done.exit_code == 2
    assert re.search(r"config\.yaml:2: dns\.port: ", done.output)
