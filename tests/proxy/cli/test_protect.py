from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from proxy import endpoints
from proxy.cli import protect as cli
from proxy.dns.system_resolvers import SystemResolvers
from proxy.firewall.kernel import FirewallError
from proxy.protect import shield
from proxy.protect.rules import Shield
from proxy.protect.shield import Found, State
from proxy.state import StateDir

CONFIG = "state_dir: state\nproxy: {transparent_port: 0}\ndns: {upstreams: ['192.0.2.53']}\n"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration whose gateway seems to run, as a user that is not root."""
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG)
    state = StateDir(tmp_path / "state")
    state.prepare()
    endpoints.write(state.endpoints, {"pid": os.getpid(), "transparent": "127.0.0.1:4443", "dns": "127.0.0.1:5053"})

    class Process:
        def __init__(self, pid: int) -> None:
            assert pid == os.getpid()

        def uids(self) -> SimpleNamespace:
            return SimpleNamespace(effective=990)

    monkeypatch.setattr(cli.psutil, "Process", Process)  # type: ignore[attr-defined]
    return path


def _run(*words: str) -> Result:
    return CliRunner().invoke(cli.protect, words)


def test_on_puts_up_the_shield_of_the_running_gateway(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put: list[Shield] = []
    monkeypatch.setattr(shield, "put_up", put.append)
    done = _run("on", "--config", str(config), "--json")
    assert json.loads(done.output) == {"state": "protected", "on_crash": "open"}
    assert (put[0].uid, put[0].port) == (990, 4443)
    assert "after a crash of the gateway: open" in _run("on", "--config", str(config)).output


@pytest.mark.parametrize("words", [["on"], ["off"]])
def test_what_the_kernel_refuses_exits_1(config: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    def refused(*_: object) -> None:
        raise FirewallError("needs CAP_NET_ADMIN")

    monkeypatch.setattr(shield, "put_up", refused)
    monkeypatch.setattr(shield, "take_down", refused)
    more = ["--config", str(config)] if words == ["on"] else []
    done = _run(*words, *more)
    assert (done.exit_code, "CAP_NET_ADMIN" in done.stderr) == (1, True)
    done = _run(*words, *more, "--json")
    assert (done.exit_code, json.loads(done.output)["error"]) == (1, "needs CAP_NET_ADMIN")


def test_off_needs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shield, "take_down", lambda: None)
    assert _run("off").output.startswith("off:")
    assert json.loads(_run("off", "--json").output) == {"state": "off"}


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (Found(State.PROTECTED, True, True), 0),
        (Found(State.NOT_INTERCEPTED, True, False), 1),
        (Found(State.OFF, None, False), 1),
    ],
)
def test_only_what_is_intercepted_is_called_protected(monkeypatch: pytest.MonkeyPatch, found: Found, code: int) -> None:
    monkeypatch.setattr(shield, "look", lambda: found)
    done = _run("status", "--json")
    said = {"state": str(found.state), "rules": found.applied, "intercepted": found.intercepted}
    assert (done.exit_code, json.loads(done.output)) == (code, said)
    assert _run("status").output.startswith("protected") is (code == 0)


def test_without_a_gateway_it_exits_1(config: Path) -> None:
    (config.parent / "state" / "endpoints.json").unlink()
    done = _run("on", "--config", str(config))
    assert (done.exit_code, "no gateway is running" in done.stderr) == (1, True)


@pytest.mark.parametrize(
    ("text", "why"), [(CONFIG.replace("proxy: {transparent_port: 0}\n", ""), "proxy.transparent_port: is not set")]
)
def test_a_configuration_that_does_not_do_exits_2(config: Path, text: str, why: str) -> None:
    config.write_text(text)
    done = _run("on", "--config", str(config))
    assert (done.exit_code, why in done.stderr) == (2, True)


@pytest.mark.parametrize(("nameserver", "code"), [("127.0.0.53", 2), ("192.0.2.53", 0)])
def test_a_resolver_on_this_computer_would_ask_in_circles(
    config: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, nameserver: str, code: int
) -> None:
    monkeypatch.setattr(shield, "put_up", lambda wanted: None)
    (tmp_path / "resolv.conf").write_text(f"nameserver {nameserver}\n")
    read = partial(SystemResolvers, path=tmp_path / "resolv.conf")
    monkeypatch.setattr(cli, "SystemResolvers", read)
    config.write_text(CONFIG.replace("dns: {upstreams: ['192.0.2.53']}\n", ""))
    done = _run("on", "--config", str(config))
    assert done.exit_code == code, done.stderr
    assert ("would ask the gateway in turn" in done.stderr) is (code == 2)


def test_elsewhere_than_on_linux_it_says_what_to_do(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli.sys, "platform", "darwin")  # type: ignore[attr-defined]
    done = _run("on", "--config", str(config))
    assert (done.exit_code, "set the system's proxy" in done.stderr) == (1, True)
