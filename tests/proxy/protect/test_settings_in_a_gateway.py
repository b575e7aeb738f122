"""A whole gateway that the settings of a stand-in for macOS lead to, with a real keeper; then the gateway is killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from proxy.endpoints import split
from proxy.protect.remembered import Memory
from proxy.protect.ways import end_what_a_crash_left
from tests.support.gateway import RunningGateway, running_gateway, wait_for
from tests.support.mac_settings import MacSettings, a_service

pytestmark = pytest.mark.timeout(300)
_COMMAND = """
import sys
import proxy.protect.ways as ways
ways.way_here.__defaults__ = ("darwin",)  # as far as the choice of the way is concerned
from proxy.cli import main
main(["protect", *sys.argv[1:], "--json"])
"""


@pytest.fixture
def mac(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MacSettings]:
    made = MacSettings(tmp_path, Wi_Fi=a_service(), Lan=a_service(auto=[True, "http://proxy.example/pac"]))
    monkeypatch.setenv("PATH", f"{made.folder}:{os.environ['PATH']}")
    yield made
    for process in psutil.process_iter(["cmdline"]):
        if str(tmp_path) in " ".join(process.info["cmdline"] or ()) and "settings_keeper" in str(process.info):
            process.kill()


async def _protect(gateway: RunningGateway, *words: str) -> tuple[int, dict[str, Any]]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _COMMAND, *words, "--config", str(gateway.config)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, error = await process.communicate()
    assert out, error.decode()
    return process.returncode or 0, json.loads(out)


def _leads_to(mac: MacSettings, gateway: RunningGateway) -> bool:
    host, port = split(gateway.endpoints["http_proxy"])
    return all(one["securewebproxy"] == [True, host, port, False] for one in mac.services.values())


def _kill(gateway: RunningGateway) -> None:
    """Kill a gateway with all its processes."""
    for process in [*psutil.Process(gateway.process.pid).children(recursive=True), gateway.process]:
        os.kill(process.pid, signal.SIGKILL)


async def test_settings_lead_here_until_the_gateway_crashes(mac: MacSettings, tmp_path: Path) -> None:
    before = mac.services
    async with running_gateway(tmp_path) as gateway:
        assert await _protect(gateway, "status") == (1, {"state": "off", "settings": False, "intercepted": False})
        said = {"state": "protected", "on_crash": "open", "way": "settings"}
        assert await _protect(gateway, "on") == (0, said)
        assert _leads_to(mac, gateway)
        assert (await _protect(gateway, "status"))[1]["state"] == "protected"
        _kill(gateway)
        await wait_for(lambda: mac.services == before, 60)
        assert (await _protect(gateway, "status"))[1]["state"] == "off"
        assert Memory(gateway.state.root).is_kept(), "it waits for the gateway to be back"
        assert await _protect(gateway, "off") == (0, {"state": "off"})
        await wait_for(lambda: not Memory(gateway.state.root).is_kept(), 30)


async def test_closed_leads_to_the_dead_port_and_off_ends_it(mac: MacSettings, tmp_path: Path) -> None:
    before = mac.services
    async with running_gateway(tmp_path, "protect: {on_crash: closed}") as gateway:
        assert (await _protect(gateway, "on"))[0] == 0
        _kill(gateway)
        await gateway.process.wait()
        assert not Memory(gateway.state.root).is_kept()
        assert _leads_to(mac, gateway)
        found = {"state": "not_intercepted", "settings": True, "intercepted": False}
        assert await _protect(gateway, "status") == (1, found)
        assert end_what_a_crash_left(gateway.state.root) == ""
        assert _leads_to(mac, gateway)
        assert (await _protect(gateway, "off"))[0] == 0
        assert mac.services == before


async def test_a_port_where_something_else_answers_is_no_protection(mac: MacSettings, tmp_path: Path) -> None:
    """A proxy that is not the gateway, as after another program took the port."""

    async def says(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    before = mac.services
    async with running_gateway(tmp_path) as gateway:
        other = await asyncio.start_server(says, "127.0.0.1", 0)
        ends = json.loads(gateway.state.endpoints.read_text())
        ends["http_proxy"] = f"127.0.0.1:{other.sockets[0].getsockname()[1]}"
        gateway.state.endpoints.write_text(json.dumps(ends))
        code, said = await _protect(gateway, "on")
        assert (code, said["state"]) == (1, "off")
        assert "a probe was not intercepted" in said["error"]
        assert mac.services == before
        other.close()
