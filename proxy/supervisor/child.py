"""One child process: started, its output passed on line by line, started anew when it ends without being told to."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from proxy.front.transparent import inherited
from proxy.logs import clean
from proxy.roles import Role

_WAITS = (0.0, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)  # seconds before each start anew
_STEADY = 30.0  # seconds after which a child counts as sound again
_MAX_LINE = 64 * 1024  # bytes
_GRACE = 3.5  # seconds that a child has to end

log = structlog.get_logger("supervisor")


class Child:
    """Keep one role running. `pid` is that of the process of the moment, 0 where there is none."""

    def __init__(self, role: Role, command: Sequence[str], echo: Callable[[str], None] | None = None) -> None:
        self.role = role
        self.pid = 0
        self.restarts = 0
        self.ready = asyncio.Event()
        self.last_words: deque[str] = deque(maxlen=8)
        self._command = list(command)
        self._echo = echo or _to_stderr
        self._stopping = False
        self._process: asyncio.subprocess.Process | None = None

    async def run(self) -> None:
        """Start the process and start it anew until `stop` is called."""
        failures = 0
        while not self._is_stopping():
            began = time.monotonic()
            code = await self._tried()
            self.ready.clear()
            if self._is_stopping():
                return
            failures = 1 if time.monotonic() - began > _STEADY else failures + 1
            self.restarts += 1
            wait = _WAITS[min(failures, len(_WAITS)) - 1]
            log.warning("a process ended and is started anew", role=self.role.name, code=code, seconds=wait)
            await asyncio.sleep(wait)

    async def stop(self) -> None:
        """End the process: politely, then by force."""
        self._stopping = True
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(_GRACE):
                await process.wait()
        except TimeoutError:
            log.warning("a process did not end when asked", role=self.role.name)
            with contextlib.suppress(ProcessLookupError):
                process.kill()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process of the moment; it is started anew when it ends."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    def _is_stopping(self) -> bool:
        return self._stopping

    async def _tried(self) -> int:
        try:
            return await self._once()
        except OSError as error:  # no memory, no process, no file descriptor left
            log.warning("a process cannot be started", role=self.role.name, reason=str(error))
            return -1

    async def _once(self) -> int:
        self._process = process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=_MAX_LINE,
            pass_fds=inherited(),
        )
        self.pid = process.pid
        try:
            await self._pass_on(process)
            return await process.wait()
        finally:
            self.pid = 0
            if process.returncode is None:  # we were cancelled
                with contextlib.suppress(ProcessLookupError):
                    process.kill()

    async def _pass_on(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # noqa: S101 - asked for with PIPE
        while True:
            try:
                line = await process.stdout.readline()
            except ValueError:  # longer than the limit: what was read is dropped
                continue
            if not line:
                return
            text = clean(line.decode("utf-8", "replace").rstrip())
            self.last_words.append(text)
            self._echo(f"{self.role.name:<9} | {text}")


def worker_command(role: Role, config: Path, state: Path, level: str) -> list[str]:
    """Return the command line of a role's process."""
    options = ["--config", str(config), "--state", str(state), "--log-level", level, "--serve", role.serve]
    return [sys.executable, "-m", "proxy.worker", role.name, *options]


def _to_stderr(line: str) -> None:
    with contextlib.suppress(OSError):
        os.write(2, f"{line}\n".encode("utf-8", "replace"))
