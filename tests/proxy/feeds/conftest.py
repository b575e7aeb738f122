"""A state directory and a clock for the feed tests, and an origin that records what it is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import web

from proxy.state import StateDir
from tests.support.feeds import Bench


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    found = StateDir(tmp_path / "state")
    found.prepare()
    return found


class Origin:
    """Serve what a test says, on loopback, and keep each request."""

    def __init__(self) -> None:
        self.requests: list[web.BaseRequest] = []
        self.answer: Callable[[web.BaseRequest], web.StreamResponse] = lambda _: web.Response(text="")
        self.port = 0

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests.append(request)
        return self.answer(request)

    def url(self, path: str = "/list.txt", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    found = Origin()
    runner = web.ServerRunner(web.Server(found.handle))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.port = runner.addresses[0][1]
    yield found
    await runner.cleanup()


@pytest.fixture
def bench(state: StateDir, tmp_path: Path) -> Bench:
    folder = tmp_path / "lists"
    folder.mkdir()
    return Bench(state, folder)
