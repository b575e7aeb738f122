"""What memory processes really take (Linux): pages that several share are counted once, divided among them."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

from benchmarks.harness import Missing


def megabytes(pid: int | None = None, kind: str = "Pss") -> float:
    """Return one process's `Pss`, `Rss` or `Private_Dirty` in MB. Raises Missing where /proc does not tell."""
    rollup = Path(f"/proc/{pid or os.getpid()}/smaps_rollup")
    if not rollup.exists():
        raise Missing("memory is read from /proc/PID/smaps_rollup, which this system does not have")
    kilobytes = next(int(line.split()[1]) for line in rollup.read_text().splitlines() if line.startswith(kind + ":"))
    return kilobytes / 1024


def of_family(pid: int) -> float:
    """Return the Pss of a process and all that it started, in MB."""
    parent = psutil.Process(pid)
    return sum(megabytes(one.pid) for one in (parent, *parent.children(recursive=True)))
