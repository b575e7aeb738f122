"""A database of each kind, a clock that is set by hand, and events as a gateway sends them."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import asyncpg
import pytest

from collector.service import CollectorService
from collector.settings import CollectorSettings
from collector.store.database import Database
from indicators.event import VerdictEvent
from indicators.event_wire import to_json
from tests.support import postgres

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Clock:
    """A clock that moves only when told."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **span: float) -> None:
        self.now += timedelta(**span)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def postgres_socket(require_program) -> Iterator[Path]:
    if postgres.find_program("postgres") is None:
        require_program("postgres", "postgresql")
    with postgres.cluster() as folder:
        asyncio.run(_answering(folder))
        yield folder


async def _answering(folder: Path) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            connection = await asyncpg.connect(host=str(folder), user="seawall", database="postgres")
        except (OSError, asyncpg.PostgresError):
            assert time.monotonic() < deadline, (folder / "log").read_text()
            await asyncio.sleep(0.05)
        else:
            await connection.close()
            return


@pytest.fixture
async def postgres_url(postgres_socket: Path) -> str:
    name = f"t{uuid4().hex}"
    connection = await asyncpg.connect(host=str(postgres_socket), user="seawall", database="postgres")
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    return f"postgresql+asyncpg://seawall@/{name}?host={postgres_socket}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Run the test on both databases."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/collector.sqlite"
    return request.getfixturevalue("postgres_url")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url)
    await opened.open()
    yield opened
    await opened.close()


GATEWAY, READ, ADMIN = "gateway-token-0123", "reading-token-0123", "administrators-0123"


@dataclass
class Running:
    """A collector that really listens, and a client that speaks to it."""

    service: CollectorService
    http: aiohttp.ClientSession
    clock: Clock

    @property
    def url(self) -> str:
        return self.service.url

    async def ask(self, method: str, path: str, token: str = READ, **more: Any) -> tuple[int, Any, Any]:
        """Return status, body (JSON where it is) and headers."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= more.pop("headers", {})
        async with self.http.request(method, self.url + path, headers=headers, **more) as answer:
            text = await answer.text()
            body = json.loads(text) if answer.content_type == "application/json" else text
            return answer.status, body, answer.headers

    async def deliver(self, *events: VerdictEvent) -> dict[str, Any]:
        batch = {"events": [to_json(event) for event in events]}
        status, body, _ = await self.ask("POST", "/api/v1/events", GATEWAY, json=batch)
        assert status == 200, body
        return body

    async def log_in(self) -> aiohttp.ClientSession:
        """Return a browser's session: it holds the cookie and follows no redirect by itself."""
        _, body, _ = await self.ask("POST", "/api/v1/tickets", ADMIN)
        browser = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        async with browser.get(body["url"], allow_redirects=False) as answer:
            assert answer.status == 303
        return browser


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an empty database with all its tables: making them takes longer than most tests."""
    file = tmp_path_factory.mktemp("migrated") / "collector.sqlite"

    async def make() -> None:
        database = Database(f"sqlite:///{file}")
        await database.open()
        await database.close()

    asyncio.run(make())
    return file


@pytest.fixture
def collector_settings(tmp_path: Path, migrated: Path) -> CollectorSettings:
    shutil.copy(migrated, tmp_path / "collector.sqlite")
    return CollectorSettings(f"sqlite:///{tmp_path}/collector.sqlite", GATEWAY, READ, ADMIN, port=0)


@pytest.fixture
async def running(collector_settings: CollectorSettings, clock: Clock) -> AsyncIterator[Running]:
    async with CollectorService(collector_settings, clock) as service, aiohttp.ClientSession() as http:
        yield Running(service, http, clock)


@pytest.fixture
async def on_either(database_url: str, clock: Clock) -> AsyncIterator[Running]:
    """A collector on each of the two databases."""
    settings = CollectorSettings(database_url, GATEWAY, READ, ADMIN, port=0)
    async with CollectorService(settings, clock) as service, aiohttp.ClientSession() as http:
        yield Running(service, http, clock)
