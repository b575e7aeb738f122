"""A PostgreSQL with its usual durability that a test kills and starts again. Only its own processes are killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import asyncpg

from tests.support.postgres import _as_user, find_program

_WITHIN = 60.0  # seconds for a start, crash recovery included


class DurableCluster:
    """Own a cluster in a folder of its own."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="seawall-pg-", dir="/tmp"))
        self._become = _as_user(self.folder)
        self._data = self.folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        initdb = find_program("initdb")
        assert initdb
        made = [initdb, "-D", str(self._data), "-U", "seawall", "--auth=trust", "-E", "UTF8", "--locale=C"]
        subprocess.run([*self._become, *made], check=True, capture_output=True, cwd=self.folder)

    @property
    def url(self) -> str:
        """Return the URL of its database, for the collector."""
        return f"postgresql+asyncpg://seawall@/postgres?host={self.folder}"

    async def start(self) -> None:
        """Start it and wait until it answers."""
        server = find_program("postgres")
        assert server
        options = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={self.folder}"]
        with (self.folder / "log").open("ab") as log:
            command = [*self._become, server, "-D", str(self._data), *options]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)
        deadline = time.monotonic() + _WITHIN
        while True:
            try:
                await (await self.connect()).close()
            except (OSError, asyncpg.PostgresError):
                assert time.monotonic() < deadline, (self.folder / "log").read_text()[-2000:]
                await asyncio.sleep(0.05)
            else:
                return

    async def connect(self) -> asyncpg.Connection:
        """Return a connection of our own."""
        return await asyncpg.connect(host=str(self.folder), user="seawall", database="postgres", timeout=5)

    async def kill(self) -> None:
        """Kill the server and its children by SIGKILL, as a power cut would end them; wait until they are gone."""
        server = int((self._data / "postmaster.pid").read_text().split()[0])
        gone = [server, *_children(server)]
        for process in gone:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        if self._process:
            await asyncio.to_thread(self._process.wait, 30)
        deadline = time.monotonic() + _WITHIN
        while any(_runs(process) for process in gone):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)

    async def remove(self) -> None:
        """End it and remove its folder."""
        with contextlib.suppress(FileNotFoundError):
            await self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def _children(parent: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(status.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(status.parent.name))
    return found


def _runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
