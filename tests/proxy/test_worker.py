"""A worker by itself: against a supervisor's socket that the test holds."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import structlog

from proxy import worker
from proxy.config.model import Config
from proxy.config_wire import to_wire
from proxy.control import ControlError
from proxy.control.server import ControlServer, Peer
from proxy.state import StateDir
from proxy.work import Work
from tests.support.gateway import ROOT, wait_for

STUBS = "tests.proxy.supervisor.stub_roles"


class Supervisor:
    """Answer a worker, and record what it says."""

    def __init__(self, state: StateDir) -> None:
        self.said: list[tuple[str, dict[str, Any]]] = []
        handlers = {op: self.handler(op) for op in ("hello", "ready", "holding", "health")}
        self.server = ControlServer(state.control_socket, handlers)
        self.state = state

    def handler(self, op: str) -> Any:
        async def handle(peer: Peer, fields: Mapping[str, Any]) -> Mapping[str, Any]:
            self.said.append((op, dict(fields)))
            if op == "health":
                raise ControlError("not listening")
            return {"config": to_wire(Config.model_validate({"privacy": {"hide_urls": True}}))}

        return handle

    def heard(self, op: str) -> bool:
        return any(said == op for said, _ in self.said)

    async def worker(self, role: str, serve: str) -> asyncio.subprocess.Process:
        options = ["--config", "none.yaml", "--state", str(self.state.root), "--serve", f"{STUBS}:{serve}"]
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "proxy.worker", role, *options, cwd=ROOT, stderr=asyncio.subprocess.PIPE
        )


@pytest.fixture
async def supervisor(tmp_path: Path) -> AsyncIterator[Supervisor]:
    state = StateDir(tmp_path / "state")
    state.prepare()
    made = Supervisor(state)
    await made.server.start()
    yield made
    await made.server.stop()


@pytest.mark.parametrize(("role", "niceness"), [("collector", 10), ("resolver", 0), ("dns_tls", 0), ("inspector", 10)])
async def test_it_serves_until_sigterm(supervisor: Supervisor, role: str, niceness: int) -> None:
    here = os.getpriority(os.PRIO_PROCESS, 0)
    process = await supervisor.worker(role, "listening")
    await wait_for(lambda: supervisor.heard("ready"), 60)
    await wait_for(lambda: os.getpriority(os.PRIO_PROCESS, process.pid) == min(here + niceness, 19), 10)
    await wait_for(lambda: supervisor.heard("health"), 10)
    process.send_signal(signal.SIGINT)  # Ctrl-C is the supervisor's affair
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 20) == 0
    assert supervisor.heard("holding") is (role != "collector")
    assert not list(supervisor.state.spool.glob("*.tally"))


async def test_it_ends_with_its_supervisor(supervisor: Supervisor) -> None:
    process = await supervisor.worker("collector", "listening")
    await wait_for(lambda: supervisor.heard("ready"), 60)
    await supervisor.server.stop()
    _, said = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 0
    assert b"the supervisor is gone" in said


@pytest.mark.parametrize(("serve", "words"), [("failing", b"haunted"), ("giving_up", b"")])
async def test_a_role_that_ends_by_itself_is_a_failure(supervisor: Supervisor, serve: str, words: bytes) -> None:
    process = await supervisor.worker("collector", serve)
    _, said = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert words in said


async def test_it_tells_how_it_is_when_that_changes_and_as_a_sign_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "HEALTH_INTERVAL", 0.001)
    monkeypatch.setattr(worker, "SIGN_OF_LIFE", 0.01)
    said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    fails = [True]

    async def call(op: str, **fields: Any) -> None:
        assert op == "health"
        if fails and fails.pop():
            raise ControlError("not there yet")
        said.put_nowait(fields)

    policy, losses = SimpleNamespace(failures=1, epoch=2), SimpleNamespace(total=0)
    work = Work()
    work.done = 3
    context: Any = SimpleNamespace(policy=policy, control=SimpleNamespace(call=call), work=work)
    reporter: Any = SimpleNamespace(losses=losses, is_short_of_room=False)
    telling = asyncio.create_task(worker._tell_health(context, reporter))
    async with asyncio.timeout(20):
        first = await said.get()
        assert first == {"failures": 1, "lost": 0, "short_of_room": False, "work": 3 + 2 * worker.A_LOAD}
        assert await said.get() == first, "a sign of life"
        losses.total, work.done = 5, 4
        while (await said.get()) == first:
            pass
        assert await said.get() == first | {"lost": 5, "work": first["work"] + 1}
    telling.cancel()


def test_without_a_supervisor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import logging

    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    try:
        assert worker.main(["resolver", "--config", "c.yaml", "--state", str(tmp_path)]) == 1
    finally:
        logging.getLogger().handlers[:] = handlers
        logging.getLogger().setLevel(level)
        structlog.reset_defaults()
    assert "is not running" in capsys.readouterr().err


def test_an_unknown_role_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        worker.main(["janitor", "--config", "c.yaml", "--state", "s"])
    assert "janitor" in capsys.readouterr().err
