"""A database of each kind, a clock that is set by hand, and events as a gateway sends them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from collector.store.database import Database
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
        return f"sqlite+aiosqlite:///{tmp_path}/collector.sqlite"
    return request.getfixturevalue("postgres_url")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url)
    await opened.open()
    yield opened
    await opened.close()
