"""The pilot against the real gateway: it passes as shipped, and fails when the gateway does not protect."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from proxy.cli.pilot import pilot as pilot_command
from proxy.pilot import checks, clients
from tests.support.gateway import CONFIG, running_gateway

# Were the test host not blocked, it would be this machine: nothing here may leave it.
SEALED = CONFIG.replace("evil.test:", "smartscreentestratings2.net:")


def pilot(config: Path) -> tuple[int, dict[str, Any]]:
    seawall = Path(sys.executable).parent / "seawall"
    done = subprocess.run(
        [seawall, "pilot", "--config", config, "--json"], capture_output=True, text=True, timeout=110, check=False
    )
    return done.returncode, json.loads(done.stdout or "{}") | {"stderr": done.stderr}


async def test_all_four_checks_hold_twice_in_a_row(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, config=SEALED) as gateway:
        shown = await asyncio.to_thread(CliRunner().invoke, pilot_command, ["--config", str(gateway.config)])
        first = await asyncio.to_thread(pilot, gateway.config)
        second = await asyncio.to_thread(pilot, gateway.config)
    assert (shown.exit_code, "phishing test blocked" in shown.output) == (0, True), shown.output
    for code, outcome in (first, second):
        assert code == 0, outcome
        assert [check["name"] for check in outcome["checks"]] == [
            "device in inventory",
            "phishing test blocked",
            "malware test file blocked",
            "alerts present",
        ]
    assert first[1]["nonce"] != second[1]["nonce"]


@pytest.mark.parametrize(
    "weakened",
    ["test_feed: false\n", "policy: {mode: audit}\n"],
    ids=["test feed disabled", "classifier only records"],
)
async def test_it_fails_when_nothing_is_blocked(tmp_path: Path, weakened: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "PATIENCE", 3.0)
    async with running_gateway(tmp_path, weakened, config=SEALED) as gateway:
        done = await asyncio.to_thread(CliRunner().invoke, pilot_command, ["--config", str(gateway.config)])
    assert done.exit_code == 1, done.output


async def test_each_check_fails_for_its_own_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shown to the checks: what a client would see of a gateway that blocks nothing, or that reports nothing."""
    monkeypatch.setattr(checks, "PATIENCE", 0.5)
    async with running_gateway(tmp_path, config=SEALED) as gateway:
        collector = clients.CollectorClient(clients.Endpoints.read(gateway.state.endpoints))
        passed, blocked = clients.Reply(200, "{}"), clients.Reply(403, '{"incident": "unknown"}')
        withheld, given = clients.Answer(0, ("0.0.0.0",), ()), clients.Answer(0, ("192.0.2.1",), ())
        for pages, dns, file, said in [
            ((passed,), withheld, passed, ["no device with", "answered 200, not 403", "answered 200", "not to 8"]),
            ((blocked,), given, blocked, ["no device with", "the address 192.0.2.1", "no alert holds", "not to 8"]),
            ((blocked,), withheld, blocked, ["no device with", "has not all of unknown", "no alert holds", "not to 8"]),
        ]:
            tried = checks.Tried("no-such-run", pages, dns, "pilot.test", file, 7)
            found = [await check(collector, tried) for check in checks.CHECKS]
            assert [check.passed for check in found] == [False] * 4
            assert all(words in check.evidence for words, check in zip(said, found, strict=True)), found


def test_without_a_gateway_it_says_what_to_do(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(f"state_dir: {tmp_path / 'state'}\n")
    code, outcome = pilot(config)
    assert code == 1
    assert "start it with `seawall run`" in outcome["stderr"]
