"""A real gateway for tests: `seawall run` in a process of its own, scratch state, free ports, only loopback.

    async with running_gateway(tmp_path, "policy: {mode: audit}") as gateway:
        gateway.endpoints["http_proxy"]

A test module that wants fixtures imports `gateway` (one per test) from here.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import ssl
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proxy.control import ControlClient
from proxy.state import StateDir

ROOT = Path(__file__).resolve().parents[2]
CONFIG = """\
state_dir: {state}
proxy: {{host: 127.0.0.1, port: 0, socks_port: 0}}
dns: {{host: 127.0.0.1, port: 0, upstreams: [127.0.0.1:9], hosts: {{benign.test: 127.0.0.1, evil.test: 127.0.0.1}}}}
collector: {{host: 127.0.0.1, port: 0}}
"""
START = 100.0  # seconds


@dataclass
class RunningGateway:
    """Hold one running gateway."""

    config: Path
    state: StateDir
    process: asyncio.subprocess.Process
    log: Path
    endpoints: dict[str, Any] = field(default_factory=dict)

    @property
    def proxy(self) -> str:
        """The HTTP proxy as a URL."""
        return f"http://{self.endpoints['http_proxy']}"

    async def call(self, op: str, **fields: Any) -> dict[str, Any]:
        """Ask the supervisor."""
        client = ControlClient(self.state.control_socket)
        try:
            return await client.call(op, **fields)
        finally:
            await client.close()

    async def api(self, path: str) -> Any:
        """Get JSON from the collector with the read token."""
        headers = {"Authorization": f"Bearer {self.endpoints['read_token']}"}
        url = self.endpoints["collector"] + path
        async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def get(self, url: str, login: str = "", **more: Any) -> tuple[int, str]:
        """Fetch a URL through the HTTP proxy, with no trust but in our CA. `login` is `user:password`."""
        proxy = self.proxy.replace("//", f"//{login}@" if login else "//")
        trust = ssl.create_default_context(cafile=self.endpoints["ca"])
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session,
            session.get(url, proxy=proxy, ssl=trust, **more) as answer,
        ):
            return answer.status, await answer.text()


async def wait_for(what: Any, seconds: float = 15.0) -> Any:
    """Ask until the answer is true (it may be awaitable); fail with the last answer at the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        found = what()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {seconds} s: {found!r}"
        await asyncio.sleep(0.05)


async def spawn(config: Path, log: Path, *options: str) -> asyncio.subprocess.Process:
    """Start `seawall run` and do not wait for anything."""
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-c", "from proxy.cli import main; main()", "run", "--config", str(config), *options),
            cwd=ROOT,
            stdout=output,
            stderr=output,
        )


@contextlib.asynccontextmanager
async def running_gateway(folder: Path, more: str = "", *, config: str = CONFIG) -> AsyncIterator[RunningGateway]:
    """Start a gateway in `folder`, wait until it serves, stop it at the end. `more` is further YAML."""
    path = folder / "config.yaml"
    state = StateDir(folder / "state")
    path.write_text(config.format(state=state.root) + more)
    log = folder / "gateway.log"
    state.endpoints.unlink(missing_ok=True)  # of a gateway that a test killed
    made = RunningGateway(path, state, await spawn(path, log), log)
    try:
        await wait_for(lambda: state.endpoints.exists() or made.process.returncode is not None, START)
        assert made.process.returncode is None, log.read_text()
        made.endpoints = json.loads(state.endpoints.read_text())
        yield made
    finally:
        await stop(made.process)


async def stop(process: asyncio.subprocess.Process) -> int:
    """Stop a gateway as Ctrl-C does; return its exit code."""
    if process.returncode is None:
        process.send_signal(signal.SIGINT)
    try:
        async with asyncio.timeout(20):
            return await process.wait()
    except TimeoutError:
        process.kill()
        raise


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[RunningGateway]:
    """One gateway with the default scratch configuration."""
    async with running_gateway(tmp_path) as running:
        yield running
