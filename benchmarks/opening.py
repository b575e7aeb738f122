"""A child of benchmark `holding`: opens one store of names, touches all of it, and prints time and memory growth.

`python -m benchmarks.opening seawall|"python set" SOURCE ASKED`. In a process of its own, so that nothing that was
measured before is counted. It then starts itself once more, to see what a second process adds.
"""

from __future__ import annotations

import mmap
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import memory, names
from benchmarks.harness import OURS
from indicators.snapshot.reader import Snapshot
from proxy.feeds.store import open_current
from proxy.state import StateDir


def main(subject: str, source: str, asked: str, second: str = "") -> None:
    hosts = Path(asked).read_text().split()
    before, private = memory.megabytes(kind="Rss"), memory.megabytes(kind="Private_Dirty")
    shared = memory.megabytes()
    began = time.perf_counter()
    held, look = _snapshot(source) if subject == OURS else _set(source)
    took = time.perf_counter() - began
    for host in hosts:
        look(host)
    if second:  # our first process waits while we look
        print(memory.megabytes() - shared, memory.megabytes(kind="Private_Dirty") - private)
        return
    print("open", took * 1000)
    print("growth", memory.megabytes(kind="Rss") - before)
    print("private", memory.megabytes(kind="Private_Dirty") - private)
    alone = memory.megabytes() - shared
    print("second", _second(subject, source, asked, alone))
    assert held is not None


def _second(subject: str, source: str, asked: str, alone: float) -> float:
    """Return by how much both processes together hold more than one alone."""
    command = [sys.executable, "-m", "benchmarks.opening", subject, source, asked, "second"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    theirs, own = map(float, done.stdout.split())
    return max(own, 2 * theirs - alone) if subject == OURS else theirs


def _snapshot(source: str) -> tuple[object, Callable[[str], object]]:
    snapshot = open_current(StateDir(Path(source)))
    assert snapshot is not None
    _touch(snapshot)
    return snapshot, snapshot.on_host


def _touch(snapshot: Snapshot) -> None:
    """Read a byte of every page of every section, so that all of the file counts."""
    for section in snapshot._sections.values():
        for at in range(0, len(section), mmap.PAGESIZE):
            section[at]


def _set(source: str) -> tuple[object, Callable[[str], object]]:
    with Path(source).open() as lines:
        found = {line.rstrip("\n") for line in lines}
    return found, lambda host: names.walk(host, found)


if __name__ == "__main__":
    main(*sys.argv[1:5])
