"""Start a keeper, a process of ours that outlives the command, and hear that it has begun. What it keeps is its own."""

from __future__ import annotations

import select
import subprocess
import sys
from collections.abc import Callable

STARTED_WITHIN = 20.0  # seconds


def begins(module: str, *arguments: str) -> bool:
    """Start a module; return whether it says in time that it keeps something, else it is ended."""
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert process.stdout is not None  # noqa: S101 - asked for with PIPE
    with process.stdout as said:
        ready, _, _ = select.select([said], [], [], STARTED_WITHIN)
        if ready and said.readline():
            return True
    process.kill()
    return False


def said_once(word: str) -> Callable[[], None]:
    """Return a function that tells who started us, the first time; later nobody listens."""
    waiting = [sys.stdout]

    def say() -> None:
        while waiting:
            print(word, file=waiting.pop(), flush=True)

    return say
