"""Recycle processes that have run away: those that no longer answer, and inspectors that have grown too large.

A process that is stuck (one callback that never ends, at full CPU) tells nothing any more; it is killed. One that has
grown is asked to end, so that its connections drain. Both are started anew as after any end; what they held meanwhile
goes by `policy.on_error` at the front.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Sequence

import psutil
import structlog

from proxy.roles import INSPECTOR
from proxy.supervisor.child import Child

SILENT = 60.0  # seconds without a word after which a process counts as stuck; they speak every ten
MOST_MEMORY = 1536 * 1024 * 1024  # bytes of an inspector's own memory
_LOOK = 5.0  # seconds

log = structlog.get_logger("supervisor")


class Recycling:
    """Look at the children now and then. `heard` says when a role last told anything (monotonic), if ever."""

    def __init__(
        self,
        children: Sequence[Child],
        heard: Callable[[str], float | None],
        memory: Callable[[int], int] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._children = children
        self._heard = heard
        self._memory = memory or memory_of
        self._monotonic = monotonic

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(_LOOK)
            self.look()

    def look(self) -> None:
        """Recycle those that have run away."""
        for child in self._children:
            if not child.pid or not child.ready.is_set():
                continue
            heard = self._heard(child.role.name)
            if heard is not None and self._monotonic() - heard > SILENT:
                self._end(child, signal.SIGKILL, f"no word for {SILENT:.0f} s")
            elif child.role.serve == INSPECTOR.serve and self._memory(child.pid) > MOST_MEMORY:
                self._end(child, signal.SIGTERM, f"more than {MOST_MEMORY >> 20} MB of memory")

    def _end(self, child: Child, number: signal.Signals, why: str) -> None:
        log.warning("a process has run away and is recycled", role=child.role.name, why=why)
        child.ready.clear()  # one look, one signal
        child.signal(number)


def memory_of(pid: int) -> int:
    """Return the bytes of memory that a process has for itself; 0 when it is gone."""
    with contextlib.suppress(psutil.Error):
        found = psutil.Process(pid).memory_info()
        return int(found.rss - getattr(found, "shared", 0))
    return 0
