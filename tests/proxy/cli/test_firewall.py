from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from proxy.cli.firewall import firewall

CONFIG = "proxy: {host: 0.0.0.0, transparent_port: 8443, allow_clients: [10.0.0.0/8]}\ndns: {host: 0.0.0.0}\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG + "firewall: {interfaces: [lan0]}\n")
    return path


@pytest.fixture
def nft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put programs on the path that take everything."""
    for name in ("nft", "ip"):
        (tmp_path / name).write_text(f"#!/bin/sh\nexec cat > {tmp_path}/{name}.said\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path / "nft"


def _run(*words: str) -> Result:
    return CliRunner().invoke(firewall, words)


def test_rules_are_printed_and_nothing_is_changed(config: Path) -> None:
    plain, as_json = _run("print", "--config", str(config)), _run("print", "--config", str(config), "--json")
    assert (plain.exit_code, as_json.exit_code) == (0, 0)
    assert 'iifname != { "lan0" } return' in plain.output
    assert json.loads(as_json.output) == {"table": "inet seawall", "rules": plain.output}


@pytest.mark.parametrize("command", ["print", "apply"])
def test_a_configuration_that_says_too_little_exits_2(config: Path, command: str) -> None:
    config.write_text(CONFIG)
    done = _run(command, "--config", str(config))
    assert done.exit_code == 2
    assert "firewall: set `interfaces`" in done.stderr


def test_what_is_applied_is_what_is_printed(config: Path, nft: Path) -> None:
    done = _run("apply", "--config", str(config))
    assert (done.exit_code, done.output) == (0, "rules applied\n")
    assert nft.with_suffix(".said").read_text() == _run("print", "--config", str(config)).output


def test_removing_needs_no_configuration(nft: Path) -> None:
    done = _run("remove", "--json")
    assert json.loads(done.output) == {"done": True, "table": "inet seawall", "what": "removed"}


def test_what_the_kernel_refuses_exits_1(config: Path, nft: Path) -> None:
    nft.write_text("#!/bin/sh\necho 'Operation not permitted' >&2; exit 1\n")
    done = _run("apply", "--config", str(config))
    assert done.exit_code == 1
    assert "CAP_NET_ADMIN" in done.stderr
    done = _run("remove", "--json")
    assert (done.exit_code, json.loads(done.output)["done"]) == (1, False)
