"""A child of benchmark `classifier`: opens one store of names, looks into it, and prints time and memory growth.

`python -m benchmarks.opening seawall|"python set" SOURCE ASKED`. In a process of its own, so that nothing that was
measured before is counted.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import memory, names
from benchmarks.harness import OURS
from proxy.feeds.store import open_current
from proxy.state import StateDir


def main(subject: str, source: str, asked: str) -> None:
    hosts = Path(asked).read_text().split()
    before, private = memory.megabytes(kind="Rss"), memory.megabytes(kind="Private_Dirty")
    began = time.perf_counter()
    look = _snapshot(source) if subject == OURS else _set(source)
    took = time.perf_counter() - began
    for host in hosts:
        look(host)
    print("open", took * 1000)
    print("growth", memory.megabytes(kind="Rss") - before)
    print("private", memory.megabytes(kind="Private_Dirty") - private)


def _snapshot(source: str) -> Callable[[str], object]:
    snapshot = open_current(StateDir(Path(source)))
    assert snapshot is not None
    return snapshot.on_host


def _set(source: str) -> Callable[[str], object]:
    with Path(source).open() as lines:
        found = {line.rstrip("\n") for line in lines}
    return lambda host: names.walk(host, found)


if __name__ == "__main__":
    main(*sys.argv[1:4])
