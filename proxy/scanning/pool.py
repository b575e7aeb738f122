"""The scan processes of one inspector: started when first needed, bounded in number, time and queue.

A process that takes too long is ended and another one takes its place; the file's scan then fails, and policy says what
that means. Each process is handed its files in a slot of memory that belongs to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

from addons.scanning.report import ScanError, ScanReport, report_of
from proxy.scanning.settings import ScanSettings
from proxy.scanning.slot import Slot

_START_WITHIN = 30.0  # seconds; compiling many rules takes its time
_GRACE = 5.0  # seconds beyond the scan's own limit before a process is ended
_MAX_ANSWER = 16 << 20  # bytes
_REMEMBERED = 4096  # reports


class ScanPool:
    """Scan files in processes of their own."""

    def __init__(self, settings: ScanSettings, folder: Path, processes: int = 1, waiting: int = 64) -> None:
        """Use at most `processes` at a time; `waiting` files more may wait, further ones are refused at once."""
        self._settings = settings
        self._folder = folder
        self._free = asyncio.Semaphore(processes)
        self._most = processes + waiting
        self._asked = 0
        self._idle: list[_ScanProcess] = []
        self._known: OrderedDict[str, ScanReport] = OrderedDict()

    async def scan(self, name: str, body: bytes, sha256: str) -> ScanReport:
        """Return what a file of this hash holds; one that is known is not scanned again. Raises ScanError."""
        known = self._known.get(sha256)
        if known is not None:
            self._known.move_to_end(sha256)
            return known
        if self._asked >= self._most:
            raise ScanError(f"{self._asked} files are being scanned or wait for it")
        self._asked += 1
        try:
            async with self._free:
                report = await self._in_a_process(name, body)
        finally:
            self._asked -= 1
        if report.complete:
            self._remember(sha256, report)
        return report

    async def close(self) -> None:
        """End the processes."""
        idle, self._idle = self._idle, []
        for process in idle:
            await process.end()

    async def _in_a_process(self, name: str, body: bytes) -> ScanReport:
        process = self._idle.pop() if self._idle else await _ScanProcess.start(self._settings, self._folder)
        try:
            answer = await process.ask(name, body, self._settings.limits.seconds + _GRACE)
        except BaseException:
            await process.end()
            raise
        self._idle.append(process)
        if "error" in answer:
            raise ScanError(answer["error"])
        return report_of(answer)

    def _remember(self, key: str, report: ScanReport) -> None:
        self._known[key] = report
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)


class _ScanProcess:
    """Speak with one process, a request at a time."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        requests: asyncio.StreamWriter,
        answers: asyncio.StreamReader,
        slot: Slot,
    ) -> None:
        self._slot = slot
        self._process = process
        self._writing: asyncio.Task[None] | None = None
        self._requests = requests
        self._answers = answers

    @classmethod
    async def start(cls, settings: ScanSettings, folder: Path) -> _ScanProcess:
        """Start a process and wait until its rules are compiled. Raises ScanError with what it said."""
        try:
            slot = Slot(folder)
        except OSError as error:
            raise ScanError(f"there is no place for files to be scanned: {error.strerror}") from error
        try:
            process = await _launched(settings, slot)
        except BaseException:
            slot.close()
            raise
        if process.stdin is None or process.stdout is None:
            raise ScanError("the scan process has no pipes")
        started = cls(process, process.stdin, process.stdout, slot)
        try:
            told = await started._told(_START_WITHIN)
        except BaseException:
            await started.end()
            raise
        if "error" in told:
            await started.end()
            raise ScanError(told["error"])
        return started

    async def ask(self, name: str, body: bytes, seconds: float) -> dict[str, Any]:
        """Return the answer on a file. Raises ScanError when none comes in time or the process has ended.

        Once this was given up the process can only be ended: the file may still be being written.
        """
        await self._hand_over(body)
        try:
            self._requests.write(json.dumps({"name": name, "size": len(body)}).encode() + b"\n")
            await self._requests.drain()
        except (BrokenPipeError, ConnectionResetError) as error:
            raise ScanError("the scan process has ended") from error
        return await self._told(seconds)

    async def end(self) -> None:
        """End it now; a scan holds nothing that must be saved."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        if self._writing:
            await asyncio.wait([self._writing])  # given up or not, its thread goes on to its end
        self._slot.close()

    async def _hand_over(self, body: bytes) -> None:
        self._writing = asyncio.create_task(asyncio.to_thread(self._slot.write, body))
        try:
            await asyncio.shield(self._writing)
        except OSError as error:
            raise ScanError(f"the file cannot be written for the scan: {error.strerror}") from error

    async def _told(self, seconds: float) -> dict[str, Any]:
        try:
            async with asyncio.timeout(seconds):
                line = await self._answers.readline()
        except TimeoutError as error:
            raise ScanError(f"the scan took longer than {seconds:.0f} s and was ended") from error
        except ValueError as error:
            raise ScanError("the scan's answer was too long") from error
        if not line.endswith(b"\n"):
            raise ScanError("the scan process has ended")
        answer: dict[str, Any] = json.loads(line)
        return answer


async def _launched(settings: ScanSettings, slot: Slot) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "proxy.scanning.process",
        settings.text(),
        str(slot.descriptor),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        pass_fds=(slot.descriptor,),
        limit=_MAX_ANSWER,
        start_new_session=True,  # Ctrl-C is the supervisor's to hear
    )
