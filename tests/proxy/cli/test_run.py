from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner

from proxy.cli import run as module
from proxy.cli.run import run
from proxy.config.load import load_config
from proxy.supervisor.gateway import Gateway
from tests.support.gateway import CONFIG


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    import logging

    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG.format(state=tmp_path / "state"))
    return path


def test_a_wrong_configuration_is_exit_2(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("proxy: {port: many}\n")
    ran = CliRunner().invoke(run, ["--config", str(tmp_path / "config.yaml")])
    assert (ran.exit_code, "proxy.port" in ran.output) == (2, True)


def test_a_port_in_use_is_exit_1(config: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config.write_text(config.read_text().replace("socks_port: 0", f"socks_port: {port}"))
        ran = CliRunner().invoke(run, ["--config", str(config)])
    assert ran.exit_code == 1
    assert f"port {port}" in ran.output
    assert "Traceback" not in ran.output


def test_a_state_directory_that_is_none_is_exit_1(config: Path) -> None:
    (config.parent / "state").write_text("a file")
    ran = CliRunner().invoke(run, ["--config", str(config)])
    assert ran.exit_code == 1
    assert "state" in ran.output


class Waiting:
    """A gateway that only waits for the word to stop."""

    def __init__(self) -> None:
        self.stopped = False

    async def run(self, stopping: asyncio.Event) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await stopping.wait()
        self.stopped = True


def test_a_signal_stops_it() -> None:
    gateway = Waiting()
    asyncio.run(module._serve(gateway))  # type: ignore[arg-type]
    assert gateway.stopped


def test_the_second_signal_ends_it_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr(module.os, "_exit", ended.append)

    class Stubborn:
        async def run(self, stopping: asyncio.Event) -> None:
            os.kill(os.getpid(), signal.SIGINT)
            await stopping.wait()
            os.kill(os.getpid(), signal.SIGINT)
            async with asyncio.timeout(20):
                while not ended:
                    await asyncio.sleep(0.01)

    asyncio.run(module._serve(Stubborn()))  # type: ignore[arg-type]
    assert ended == [1]


def test_a_gateway_is_made_of_what_was_loaded(config: Path) -> None:
    made = Gateway(load_config(config))
    assert made.config.proxy.port != 0
    made.release()
