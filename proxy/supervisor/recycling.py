"""Recycle processes that have run away: those that do not answer, inspectors that have grown or burn CPU for nothing.

A process that is stuck (one callback that never ends, at full CPU) tells nothing any more; it is killed. One that has
grown or burns is asked to end, so that its connections drain, and killed when it does not. All are started anew as
after any end; what they held meanwhile goes by `policy.on_error` at the front.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psutil
import structlog

from proxy.roles import INSPECTOR
from proxy.supervisor.burning import WINDOW, Burning
from proxy.supervisor.child import Child

SILENT = 60.0  # seconds without a word after which a process counts as stuck; they speak every five or so
SILENT_INSPECTOR = 30.0  # seconds; the front has given it up long since, and whoever it had taken hangs
ENDS_WITHIN = 15.0  # seconds that one which was asked to end is given
MOST_MEMORY = 1536 * 1024 * 1024  # bytes of an inspector's own memory
_LOOK = 5.0  # seconds

log = structlog.get_logger("supervisor")


@dataclass(frozen=True, slots=True)
class Told:
    """Hold what a process told of itself: when (monotonic seconds), and how many steps of work it has done."""

    at: float
    work: int = 0


@dataclass(frozen=True, slots=True)
class Used:
    """Hold what a process uses: bytes of memory of its own, and seconds of CPU since it began."""

    memory: int
    cpu: float


class Recycling:
    """Look at the children now and then. `told` returns a role's last word of itself, if there was any."""

    def __init__(
        self,
        children: Sequence[Child],
        told: Callable[[str], Told | None],
        used: Callable[[int], Used] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._children = children
        self._told = told
        self._used = used or used_by
        self._monotonic = monotonic
        self._burning: defaultdict[str, Burning] = defaultdict(Burning)
        self._sampled: dict[str, float] = {}
        self._asked: dict[int, float] = {}  # when a process was asked to end

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(_LOOK)
            self.look()

    def look(self) -> None:
        """Recycle those that have run away."""
        for child in self._children:
            if child.pid in self._asked:
                self._insist(child)
            elif child.pid and child.ready.is_set():
                self._look_at(child)
        running = {child.pid for child in self._children}
        self._asked = {pid: when for pid, when in self._asked.items() if pid in running}

    def _look_at(self, child: Child) -> None:
        told, inspects = self._told(child.role.name), child.role.serve == INSPECTOR.serve
        silent = SILENT_INSPECTOR if inspects else SILENT
        if told is not None and self._monotonic() - told.at > silent:
            self._end(child, signal.SIGKILL, f"no word for {silent:.0f} s")
        elif inspects:
            self._look_at_use(child, told, self._used(child.pid))

    def _look_at_use(self, child: Child, told: Told | None, used: Used) -> None:
        if used.memory > MOST_MEMORY:
            self._end(child, signal.SIGTERM, f"more than {MOST_MEMORY >> 20} MB of memory")
        elif told is not None and self._sampled.get(child.role.name) != told.at:
            self._sampled[child.role.name] = told.at
            if self._burning[child.role.name].is_seen(child.pid, self._monotonic(), used.cpu, told.work):
                self._end(child, signal.SIGTERM, f"a core's CPU for {WINDOW:.0f} s, and next to no work")

    def _end(self, child: Child, number: signal.Signals, why: str) -> None:
        log.warning("a process has run away and is recycled", role=child.role.name, why=why)
        child.ready.clear()
        self._asked[child.pid] = self._monotonic()
        child.signal(number)

    def _insist(self, child: Child) -> None:
        """Kill a process that was asked to end and has had its time."""
        if self._monotonic() - self._asked[child.pid] > ENDS_WITHIN:
            log.warning("a process that has run away does not end, and is killed", role=child.role.name)
            child.signal(signal.SIGKILL)


def used_by(pid: int) -> Used:
    """Return what a process uses; nothing when it is gone."""
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        memory, times = process.memory_info(), process.cpu_times()
        return Used(int(memory.rss - getattr(memory, "shared", 0)), times.user + times.system)
    return Used(0, 0.0)
