"""`seawall collector`: a collector of its own with TLS, a gateway that delivers to it with its own token, a program."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from click.testing import CliRunner

from proxy.cli import main
from tests.support.authority import make_certificate
from tests.support.gateway import ROOT, running_gateway, stop, wait_for

HOME = """\
state_dir: {folder}/home
collector: {{port: 0, tls: {{cert: {folder}/c.pem, key: {folder}/c.key}}}}
"""
AWAY = """\
state_dir: {{state}}
proxy: {{{{host: 127.0.0.1, port: 0, socks_port: 0}}}}
dns: {{{{host: 127.0.0.1, port: 0, upstreams: [127.0.0.1:9]}}}}
collector: {{{{url: "{url}", ca: {folder}/c.pem, token_file: {folder}/token}}}}
"""


def _invoke(folder: Path, *arguments: str, code: int = 0) -> Any:
    result = CliRunner().invoke(main, ["collector", *arguments, "--config", str(folder / "home.yaml")])
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home.yaml").write_text(HOME.format(folder=tmp_path))
    make_certificate(tmp_path / "c.pem", tmp_path / "c.key", "localhost")
    return tmp_path


@pytest.mark.timeout(180)
async def test_a_gateway_delivers_to_a_collector_elsewhere(home: Path) -> None:
    token = (await asyncio.to_thread(_invoke, home, "gateway", "add", "office")).stdout.strip()
    (home / "token").write_text(token)
    (home / "token").chmod(0o600)
    made = json.loads((await asyncio.to_thread(_invoke, home, "client", "SIEM", "--scope", "Alert.Read.All")).stdout)
    process, url = await _started(home)
    try:
        url = url.replace("127.0.0.1", "localhost")
        away = AWAY.format(url=url, folder=home)
        async with running_gateway(home, config=away) as gateway:
            assert (await gateway.get("http://smartscreentestratings2.net/"))[0] == 403
            assert await wait_for(lambda: _alerts(home, url, made["bearer"]))
        listed = json.loads((await asyncio.to_thread(_invoke, home, "gateway", "list", "--json")).stdout)
        assert [(row["name"], bool(row["last_used"])) for row in listed] == [("office", True)]
    finally:
        assert await stop(process) == 0, (home / "log").read_text()


async def _started(home: Path) -> tuple[asyncio.subprocess.Process, str]:
    log = home / "log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-c", "from proxy.cli import main; main()", "collector", "run", "--config", str(home / "home.yaml")),
            cwd=ROOT,
            stdout=output,
            stderr=output,
        )
    await wait_for(lambda: "answers at" in log.read_text() or process.returncode is not None, 60)
    found = re.search(r"answers at (https://\S+)", log.read_text())
    assert found, log.read_text()
    await wait_for(lambda: "/invitation?code=" in log.read_text())
    return process, found[1]


async def _alerts(home: Path, url: str, bearer: str) -> Any:
    trust = ssl.create_default_context(cafile=home / "c.pem")
    headers = {"Authorization": f"Bearer {bearer}"}
    async with aiohttp.ClientSession(headers=headers) as http, http.get(f"{url}/api/alerts", ssl=trust) as answer:
        assert answer.status == 200
        return (await answer.json())["value"]


def test_gateways_come_and_go(home: Path) -> None:
    token = _invoke(home, "gateway", "add", "office").stdout.strip()
    assert re.fullmatch(r"swg_[\w-]{43}", token)
    assert token.encode() not in b"".join(path.read_bytes() for path in (home / "home").glob("collector.sqlite*"))
    assert "already" in _invoke(home, "gateway", "add", "office", code=1).output
    assert "letters, digits" in _invoke(home, "gateway", "add", "of fice", code=1).output
    assert "never heard" in _invoke(home, "gateway", "list").output
    assert "opens nothing" in _invoke(home, "gateway", "remove", "office").output
    assert "no gateway is called office" in _invoke(home, "gateway", "remove", "office", code=1).output
    assert _invoke(home, "gateway", "list").output == ""


def test_what_cannot_be_is_said(home: Path) -> None:
    (home / "c.pem").write_text("no certificate")
    assert "collector.tls.cert: " in _invoke(home, "run", code=1).output
    (home / "home.yaml").write_text("collector: {database: mysql://x}\nstate_dir: s\n")
    assert "expected sqlite or postgresql" in _invoke(home, "gateway", "list", code=1).output
    (home / "home.yaml").write_text("collector: {tls: {cert: x.pem}}\n")
    assert "expected `cert` and `key` together" in _invoke(home, "run", code=2).output
    assert "seawall collector gateway add" in CliRunner().invoke(main, ["collector", "--help"]).output
