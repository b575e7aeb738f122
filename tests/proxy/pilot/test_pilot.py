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
from proxy.devices import DeviceDirectory
from proxy.pilot import checks, clients
from proxy.secrets import load_or_create
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
            "malware test files blocked",
            "alerts present",
        ]
        assert outcome["checks"][2]["evidence"].startswith("6 tries; ")
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
            ((blocked,), given, blocked, ["no device with", "the address 192.0.2.1", "no alert holds all", "not to 8"]),
            (
                (blocked,),
                withheld,
                blocked,
                ["no device with", "has not all of unknown", "no alert holds all", "not to 8"],
            ),
        ]:
            tried = checks.Tried("no-such-run", pages, dns, "pilot.test", (("http://x/eicar.com", file),), 7)
            found = [await check(collector, tried) for check in checks.CHECKS]
            assert [check.passed for check in found] == [False] * 4
            assert all(words in check.evidence for words, check in zip(said, found, strict=True)), found


async def test_as_a_device_the_alerts_name_it(tmp_path: Path) -> None:
    """From enrolment to alert: first a device that is enrolled for the run, then one that has its own credentials."""
    config = SEALED.replace("port: 0, upstreams", "port: 0, https_port: 0, upstreams")
    async with running_gateway(tmp_path, "scan: {enabled: false}\n", config=config) as gateway:

        def run(name: str) -> tuple[int, dict[str, Any]]:
            words = ["--config", str(gateway.config), "--device", name, "--json"]
            done = CliRunner().invoke(pilot_command, words)
            return done.exit_code, json.loads(done.output)

        code, outcome = await asyncio.to_thread(run, "passing by")
        assert code == 0, outcome
        assert outcome["checks"][-1]["name"] == "alerts name the device"
        assert "of passing by (" in outcome["checks"][-1]["evidence"]
        assert "and DNS token" in outcome["checks"][-1]["evidence"]
        assert (await gateway.call("devices"))["devices"] == []
        given = (await gateway.call("device_add", name="Anna's phone"))["given"]
        code, outcome = await asyncio.to_thread(run, "anna's PHONE")
        assert code == 0, outcome
        directory = DeviceDirectory.of(gateway.state, load_or_create(gateway.state))
        assert directory.by_token(given["token"], "", ""), "its own credentials stay"
        assert not directory._registry.current().records[0].lent_token


@pytest.mark.parametrize(
    ("machine", "name", "passes"), [("d1", "phone", True), ("other", "phone", False), ("d1", "another", False)]
)
async def test_another_device_in_the_alerts_fails_the_run(
    machine: str, name: str, passes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Collector(clients.CollectorClient):
        def __init__(self) -> None:
            """Hold no address."""

        async def alerts(self) -> list[dict[str, Any]]:
            shown = {"machineId": machine, "computerDnsName": name, "incidentIds": ["INC-1", "INC-2"]}
            return [{**shown, "evidence": [{"url": "pilot.test"}]}]

    monkeypatch.setattr(checks, "PATIENCE", 0.1)
    device = clients.AsDevice("d1", "phone", "token", "user", "password")
    pages, files = (clients.Reply(403, '{"incident": "INC-1"}'),), (("x", clients.Reply(403, '{"incident": "INC-2"}')),)
    for by_device, way in ((True, "its token"), (False, "its password")):
        answer = clients.Answer(0, (), ())
        tried = checks.Tried("n", pages, answer, "pilot.test", files, 0, device, by_device, way)
        found = await checks._named(Collector(), tried)
        assert (found.passed, way in found.evidence) == (passes, passes)


async def test_without_scanning_only_the_plain_file_is_tried(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, "scan: {enabled: false}\n", config=SEALED) as gateway:
        code, outcome = await asyncio.to_thread(pilot, gateway.config)
        assert code == 0, outcome
        found = await checks.run_checks(clients.Endpoints.read(gateway.state.endpoints), "packed")
    assert outcome["checks"][2]["evidence"].startswith("2 tries; ")
    assert not found[2].passed
    assert "eicar.zip was answered 200" in found[2].evidence


def test_a_name_that_leads_to_the_page_is_withheld() -> None:
    for addresses, page, withheld in (
        (("10.87.0.1",), ("10.87.0.1", "fd87::1"), True),
        (("192.0.2.1",), ("10.87.0.1",), False),
        (("10.87.0.1",), (), False),
    ):
        answer = clients.Answer(0, addresses, ())
        assert checks.Tried("n", (), answer, "pilot.test", (), 0, page=page).is_withheld is withheld


def test_without_a_gateway_it_says_what_to_do(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(f"state_dir: {tmp_path / 'state'}\n")
    code, outcome = pilot(config)
    assert code == 1
    assert "start it with `seawall run`" in outcome["stderr"]


def test_a_tunnel_is_a_devices(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(f"state_dir: {tmp_path / 'state'}\n")
    done = CliRunner().invoke(pilot_command, ["--config", str(config), "--tunnel"])
    assert (done.exit_code, "--tunnel needs --device" in done.output) == (2, True)
