"""Benchmark `holding`: what opening the whole snapshot costs: time, memory, and what a second process adds.

Each subject is opened in a process of its own each time: memory and time from nothing. A second process of ours is
opened beside the first; what it adds (Pss, in which shared pages are divided) is the cost of one more worker.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import corpus, names
from benchmarks.harness import OURS, Comparison, Spread
from benchmarks.setting import ROOT, Setting, pinned, server_cores

PEER = "python set"
_ASKED = 200_000
_HELD = {
    "open": ("time to open (ours checks every byte, the peer reads a text file)", "ms"),
    "growth": ("memory growth after opening and touching all of it", "MB"),
    "private": ("the part of that growth that is the process's own", "MB"),
    "second": ("what a second process adds to both (Pss)", "MB"),
}


def compare(setting: Setting) -> Iterator[Comparison]:
    listed = names.listed(20_000 if setting.quick else None)
    with tempfile.TemporaryDirectory() as text, pinned(server_cores()):
        folder = Path(text)
        corpus.compiled(corpus.write(folder, listed, whole=not setting.quick), folder / "state")
        asked = names.write(folder / "asked", corpus.asked(listed, 2_000 if setting.quick else _ASKED))
        sources = {OURS: folder / "state", PEER: folder / "domains"}
        found: dict[str, dict[str, list[float]]] = {OURS: {}, PEER: {}}
        for _ in range(setting.rounds):
            for subject, source in sources.items():
                for key, value in _opened(subject, source, asked).items():
                    found[subject].setdefault(key, []).append(value)
    for key, (what, unit) in _HELD.items():
        spreads = {subject: Spread(tuple(values[key])) for subject, values in found.items()}
        yield Comparison(f"{what}, {len(listed):,} names", unit, "low", spreads)


def _opened(subject: str, source: Path, asked: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.opening", subject, str(source), str(asked)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=corpus.COMPILE_LIMIT)
    return {key: float(value) for key, value in (line.split() for line in done.stdout.splitlines())}
