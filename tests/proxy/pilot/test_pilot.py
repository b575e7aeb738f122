"""The pilot against the real gateway: it passes as shipped, and fails when the gateway does not protect."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

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
        first = await asyncio.to_thread(pilot, gateway.config)
        second = await asyncio.to_thread(pilot, gateway.config)
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
async def test_it_fails_when_nothing_is_blocked(tmp_path: Path, weakened: str) -> None:
    async with running_gateway(tmp_path, weakened, config=SEALED) as gateway:
        code, outcome = await asyncio.to_thread(pilot, gateway.config)
    assert code == 1, outcome
    assert not all(check["passed"] for check in outcome.get("checks", [{"passed": False}]))


def test_without_a_gateway_it_says_what_to_do(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(f"state_dir: {tmp_path / 'state'}\n")
    code, outcome = pilot(config)
    assert code == 1
    assert "start it with `seawall run`" in outcome["stderr"]
