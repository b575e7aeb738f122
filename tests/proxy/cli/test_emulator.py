from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from proxy.cli.emulator import emulator
from tests.proxy.test_emulator import Bench


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    (tmp_path / "config.yaml").write_text("state_dir: state\n")
    (tmp_path / "state").mkdir()
    return made


def run(bench: Bench, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(emulator, [*words[:1], "--config", str(bench.folder / "config.yaml"), *words[1:]])
    return done.exit_code, done.output


def start_gateway(bench: Bench) -> None:
    endpoints = {"http_proxy": "127.0.0.1:8123", "ca": str(bench.ca)}
    (bench.folder / "state" / "endpoints.json").write_text(json.dumps(endpoints))


def test_attach_tells_what_it_did_and_what_is_left_to_do(bench: Bench) -> None:
    start_gateway(bench)
    code, said = run(bench, "attach")
    assert code == 0
    assert "emulator-5554: http_proxy is 10.0.2.2:8123" in said
    assert "/sdcard/Download/seawall-ca.crt" in said
    assert run(bench, "detach") == (0, "emulator-5554: http_proxy is cleared\n")
    assert run(bench, "detach") == (0, "nothing was attached\n")


def test_without_a_gateway_there_is_nothing_to_attach_to(bench: Bench) -> None:
    code, said = run(bench, "attach")
    assert (code, "start it with `seawall run`" in said) == (1, True)


def test_a_missing_device_is_a_clear_error(bench: Bench) -> None:
    start_gateway(bench)
    bench.devices()
    code, said = run(bench, "attach")
    assert (code, "no emulator or device is connected" in said) == (1, True)
    code, said = run(bench, "detach", "other")
    assert (code, "not attached by Seawall: other" in said) == (1, True)


def test_a_wrong_configuration_is_named(bench: Bench) -> None:
    (bench.folder / "config.yaml").write_text("prxy: {}\n")
    code, said = run(bench, "attach")
    assert code == 2
    assert "config.yaml:1" in said
