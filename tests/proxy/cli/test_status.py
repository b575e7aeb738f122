from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from proxy.cli.status import status
from proxy.control.server import ControlServer, Peer
from proxy.state import StateDir

FOUND: dict[str, Any] = {
    "mode": "enforce",
    "compiling": False,
    "indicators": 14,
    "waiting_for_ca": 8,
    "paused_until": "2026-03-01T12:00:00+00:00",
    "feeds": [],
    "delivery": {"delivered": 12, "rejected": 1, "trouble": "the collector cannot be reached", "since": None},
    "errors": ["config.yaml:3: indicators[0].blok: unknown key"],
    "restart_to_apply": ["dns.port"],
    "decryption": {"opened": 7, "unenforced": 9, "unseen": 4},
    "pins": 2,
    "workers": [
        {"role": "resolver", "pid": 4711, "ready": True, "restarts": 2, "generation": 3, "failures": 5, "lost": 0},
        {"role": "inspector", "pid": 4712, "ready": False, "restarts": 0, "generation": 0, "failures": 0, "lost": 0},
    ],
    "endpoints": {
        "http_proxy": "127.0.0.1:8080",
        "socks": "127.0.0.1:1080",
        "dns": "127.0.0.1:5053",
        "collector": "http://127.0.0.1:8088",
        "ca": "/ca.pem",
    },
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text("state_dir: state\n")
    StateDir(tmp_path / "state").prepare()
    return path


@pytest.fixture
def supervisor(config: Path) -> Iterator[None]:
    """Answer `status` on the control socket, in a thread of its own."""
    loop = asyncio.new_event_loop()

    async def answer(peer: Peer, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        return FOUND

    server = ControlServer(StateDir(config.parent / "state").control_socket, {"status": answer})
    loop.run_until_complete(server.start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield
    asyncio.run_coroutine_threadsafe(server.stop(), loop).result(5)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.mark.usefixtures("supervisor")
def test_people_see_what_matters(config: Path) -> None:
    ran = CliRunner().invoke(status, ["--config", str(config)], env={"COLUMNS": "160"})
    assert ran.exit_code == 0
    for word in (
        "resolver",
        "4711",
        "ready",
        "starting",
        "12 delivered, 1 rejected",
        "cannot be reached",
        "not looked into: 4",
    ):
        assert word in ran.output
    for word in ("paused until 2026-03-01", "restart to apply: dns.port", "config.yaml:3", "10.0.2.2:8080"):
        assert word in ran.output


@pytest.mark.usefixtures("supervisor")
def test_scripts_get_json(config: Path) -> None:
    ran = CliRunner().invoke(status, ["--config", str(config), "--json"])
    assert json.loads(ran.output) == FOUND


def test_where_no_gateway_runs(config: Path) -> None:
    ran = CliRunner().invoke(status, ["--config", str(config)])
    assert ran.exit_code == 1
    assert "not running" in ran.output


def test_a_wrong_configuration(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("nonsense: 1\n")
    ran = CliRunner().invoke(status, ["--config", str(tmp_path / "config.yaml")])
    assert (ran.exit_code, "nonsense" in ran.output) == (2, True)
