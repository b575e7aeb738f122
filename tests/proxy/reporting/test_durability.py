"""Kill the gateway's writer, its delivery, the collector and the database: what was told to a client is kept once."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sqlite3
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.postgres import find_program
from tests.support.postgres_killed import DurableCluster

ROOT = Path(__file__).parents[3]
TOKEN = "gateway-token-0123"
WITHIN = 300.0  # seconds for what is left to arrive


class Sqlite:
    """A database in a file: it dies with its collector."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"

    async def start(self) -> None:
        """Nothing runs."""

    kill = remove = start

    async def counts(self) -> dict[str, int]:
        with closing(sqlite3.connect(self.path)) as stored:
            assert stored.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            return dict(stored.execute("SELECT id, count FROM events").fetchall())


class Postgres(DurableCluster):
    """A real server, killed with its children."""

    async def counts(self) -> dict[str, int]:
        connection = await self.connect()
        rows = await connection.fetch("SELECT id, count FROM events")
        await connection.close()
        return {row["id"]: row["count"] for row in rows}


class Deployment:
    """Run all four, and kill any of them. `lines` are the ids that the writer was given, with 0, and repeats with 1."""

    def __init__(self, spool: Path, database: Sqlite | Postgres, chance: random.Random) -> None:
        self.lines: list[str] = []
        self._spool, self._database, self._chance = spool, database, chance
        self._port = "0"
        self._children: dict[str, asyncio.subprocess.Process] = {}

    async def start(self) -> None:
        await self._database.start()
        await self._collector()
        await self._delivery()

    async def round(self, victim: str) -> None:
        """Let the writer write, kill the victim at some moment, start it again, and end the writer by SIGKILL too."""
        writer = await self._run("writer", "tests.proxy.reporting.reporting_child", str(self._spool), "200")
        assert writer.stdout
        found = [await writer.stdout.readline() for _ in range(self._chance.randrange(1, 120))]
        await self._kill(victim)
        if victim != "writer":
            found += [await writer.stdout.readline() for _ in range(self._chance.randrange(1, 60))]
            await self._kill("writer")
        found += (await writer.stdout.read()).splitlines(keepends=True)
        self.lines += [line.decode() for line in found if line.endswith(b"\n")]
        if victim == "database":
            await self._database.start()
        elif victim != "writer":
            await (self._collector() if victim == "collector" else self._delivery())

    async def settled(self) -> dict[str, int]:
        """Return what is stored, once everything has arrived."""
        deadline = time.monotonic() + WITHIN
        while any(path.suffix in (".segment", ".tally") for path in self._spool.iterdir()):
            assert time.monotonic() < deadline, sorted(path.name for path in self._spool.iterdir())
            await asyncio.sleep(0.1)
        return await self._database.counts()

    async def stop(self) -> None:
        for name in list(self._children):
            await self._kill(name)
        await self._database.remove()

    async def _collector(self) -> None:
        child = await self._run("collector", "tests.collector.serve", self._database.url, self._port)
        assert child.stdout
        async with asyncio.timeout(WITHIN):
            url = (await child.stdout.readline()).decode().strip()
        self._port = url.rpartition(":")[2]

    async def _delivery(self) -> None:
        url = f"http://127.0.0.1:{self._port}"
        child = await self._run("delivery", "tests.proxy.reporting.delivering_child", str(self._spool), url, TOKEN)
        assert child.stdout
        await child.stdout.readline()

    async def _run(self, name: str, module: str, *arguments: str) -> asyncio.subprocess.Process:
        pipes = {"stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.DEVNULL}
        child = await asyncio.create_subprocess_exec(sys.executable, "-m", module, *arguments, cwd=ROOT, **pipes)
        self._children[name] = child
        return child

    async def _kill(self, name: str) -> None:
        await asyncio.sleep(self._chance.uniform(0, 0.05))  # a random moment, not a wait for anything
        if name == "database":
            await self._database.kill()
            return
        child = self._children.pop(name)
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        if name != "writer":
            await child.wait()


def check(lines: list[str], stored: dict[str, int], kills: int) -> None:
    """Compare what was told with what is kept; a kill may leave one event or count that was told to nobody."""
    shown = {line.split()[0] for line in lines}
    assert len(shown) == sum(line.endswith(" 0\n") for line in lines)
    assert shown <= stored.keys()
    assert len(stored) - len(shown) <= kills
    repeats = Counter(line.split()[0] for line in lines if line.endswith(" 1\n"))
    assert all(stored[incident] >= 1 + repeats[incident] for incident in shown)
    assert sum(stored.values()) - len(shown) - repeats.total() <= 2 * kills


async def kill_in_turn(folder: Path, database: Sqlite | Postgres, victims: list[str]) -> None:
    spool = folder / "spool"
    spool.mkdir()
    deployment = Deployment(spool, database, random.Random(len(victims)))
    try:
        await deployment.start()
        for victim in victims:
            await deployment.round(victim)
        check(deployment.lines, await deployment.settled(), len(victims))
    finally:
        await deployment.stop()


@pytest.fixture
def made(request: pytest.FixtureRequest, tmp_path: Path, require_program) -> Sqlite | Postgres:
    if request.param == "sqlite":
        return Sqlite(tmp_path / "collector.sqlite")
    if find_program("postgres") is None:
        require_program("postgres", "postgresql")
    return Postgres()


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("made", "victims"),
    [("sqlite", ["collector", "delivery"]), ("postgresql", ["database", "writer"])],
    indirect=["made"],
)
async def test_what_a_client_was_told_is_kept_once_whoever_is_killed(
    tmp_path: Path, made: Sqlite | Postgres, victims: list[str]
) -> None:
    await kill_in_turn(tmp_path, made, victims)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("made", ["sqlite", "postgresql"], indirect=True)
async def test_fifty_kills_under_load(tmp_path: Path, made: Sqlite | Postgres) -> None:
    chance = random.Random(50)
    victims = [chance.choice(["collector", "delivery", "database", "writer"]) for _ in range(50)]
    await kill_in_turn(tmp_path, made, victims)
