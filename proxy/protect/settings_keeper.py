"""Mind a crash of the gateway where system proxy settings lead to it: put them back, and point them here again.

Run as `python -m proxy.protect.settings_keeper STATE_DIR MARK SYSTEM` by `seawall protect on`, with `on_crash: open`.
It ends with the protection that it was started for; ended by a signal, it puts the settings back first.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from proxy.protect import keepers
from proxy.protect.by_settings import BySettings
from proxy.protect.probe import is_served
from proxy.protect.remembered import Memory
from proxy.protect.systems import settings_of
from proxy.protect.way import ProtectError

EVERY = 2.0  # seconds between looks
MISSES = 3  # looks in a row without an answer that are a crash

type Turn = Callable[[bool], bool]
"""Point the settings here, or put them back; false when there is nothing to keep any more."""


async def keep(answers: Callable[[], Awaitable[bool]], turn: Turn, began: Callable[[], None]) -> None:
    """Follow the gateway until the protection has ended; cancelled, put the settings back. Raises ProtectError."""
    misses = 0
    try:
        while True:
            alive = await answers()
            misses = 0 if alive else misses + 1
            if (alive or misses >= MISSES) and not turn(alive):
                return
            if alive:
                began()
            await asyncio.sleep(EVERY)
    except asyncio.CancelledError:
        turn(False)


def start(state_dir: Path, mark: str, system: str) -> None:
    """Start a keeper that outlives this process; return when it has met the gateway. Raises ProtectError."""
    if not keepers.begins("proxy.protect.settings_keeper", str(state_dir.absolute()), mark, system):
        raise ProtectError("nobody answers at the gateway's HTTP proxy, so that a crash could not be told")


def main(arguments: Sequence[str]) -> int:
    """Keep, as long as this is the one keeper."""
    state_dir, mark = Path(arguments[0]), arguments[1]
    memory = Memory(state_dir)
    way = BySettings(settings_of(arguments[2]), state_dir, start)
    try:
        with memory.keeping():
            remembered = memory.load()
            if remembered is None or remembered.mark != mark:
                return 0
            gate, began = remembered.gate, keepers.said_once("kept")
            asyncio.run(
                _until_told(
                    keep(lambda: is_served(gate.host, gate.http), lambda here: way.turn(mark, here=here), began)
                )
            )
    except (ProtectError, KeyboardInterrupt):
        return 1
    return 0


async def _until_told(keeping: Awaitable[None]) -> None:
    """Keep until it ends, or a signal asks for an end."""
    task = asyncio.ensure_future(keeping)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
