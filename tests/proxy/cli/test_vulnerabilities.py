"""The command asks the running collector, and says how old the knowledge is."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from click.testing import CliRunner, Result

from indicators.event_wire import to_json
from proxy.cli import main
from proxy.secrets import load_or_create
from tests.proxy.vulnerabilities.test_update import FILES
from tests.support.events import PHONE, device_seen
from tests.support.gateway import running_gateway

AGENT = "itunesstored/1.0 iOS/18.6 model/iPhone14,2"


async def call(config: Path, *words: str) -> Result:
    command = ["vulnerabilities", *words, "--config", str(config)]
    return await asyncio.to_thread(CliRunner().invoke, main, command)


async def deliver(gateway: Any) -> None:
    event = device_seen("d", device=replace(PHONE, id="phone/1", name="Anna's phone"), user_agent=AGENT)
    headers = {"Authorization": f"Bearer {load_or_create(gateway.state).gateway_token}"}
    url = json.loads(gateway.state.endpoints.read_text())["collector"]
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{url}/api/v1/events", json={"events": [to_json(event)]}) as answer,
    ):
        assert answer.status == 200


async def test_devices_are_listed_and_shown(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        await deliver(gateway)
        listed = await call(gateway.config, "list")
        shown = await call(gateway.config, "show", "anna's PHONE")
        as_json = await call(gateway.config, "show", "phone/1", "--json")
        nobody = await call(gateway.config, "show", "nobody")
    assert listed.exit_code == 0, listed.output
    assert "iOS 18.6" in listed.output
    assert "run `seawall vulnerabilities update`" in listed.output
    assert "iOS 18.6 (system agent, high confidence)" in shown.output
    assert "CVE-2025-43300" in shown.output
    assert json.loads(as_json.stdout)["exposureLevel"] == "high"
    assert nobody.exit_code == 1
    assert "no device is called 'nobody'" in nobody.output


async def test_without_a_gateway_it_says_what_to_do(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(f"state_dir: {tmp_path / 'state'}\n")
    done = await call(config, "list")
    assert done.exit_code == 1
    assert "start it with `seawall run`" in done.output


async def test_an_update_that_fails_says_which_source(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    sources = "\n".join(
        f"    {name}: http://127.0.0.1:9/{name}"
        for name in ("ios_security", "ios_releases", "ios_cycles", "android_cycles", "exploited")
    )
    config.write_text(f"state_dir: {tmp_path / 'state'}\nvulnerabilities:\n  sources:\n{sources}\n")
    done = await call(config, "update")
    assert done.exit_code == 1
    assert "ios_security: " in done.output
    assert not (tmp_path / "state" / "vulnerabilities.json").exists()


async def test_an_update_that_succeeds_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "published"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    app = web.Application()
    app.router.add_static("/", folder)
    monkeypatch.setattr("proxy.vulnerabilities.update._LEAST", 0.0)  # the published files are few
    async with TestServer(app, host="127.0.0.1") as server:
        config = tmp_path / "config.yaml"
        sources = "\n".join(f"    {name}: {server.make_url('/' + name)}" for name in FILES)
        config.write_text(f"state_dir: {tmp_path / 'state'}\nvulnerabilities:\n  sources:\n{sources}\n")
        done = await call(config, "update")
        as_json = await call(config, "update", "--json")
    assert done.exit_code == 0, done.output
    assert "3 releases of iOS, 1 exploited CVEs" in done.output
    assert "fetching exploited: http" in done.output
    assert json.loads(as_json.stdout)["releases"] == {"Android": 0, "iOS": 3}
