"""Benchmark `compiling`: a full compilation in the feed process, from fetched files to the published snapshot.

There is no peer: what others do instead of compiling is measured in `dns_swap` as the stall of their answers.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import corpus, names
from benchmarks.harness import OURS, Comparison, Spread
from benchmarks.setting import ROOT, Setting, pinned, server_cores
from proxy.state import StateDir


def compare(setting: Setting) -> Iterator[Comparison]:
    listed = names.listed(20_000 if setting.quick else None)
    with tempfile.TemporaryDirectory() as text, pinned(server_cores()):
        feeds = corpus.write(Path(text), listed, whole=not setting.quick)
        taken = [_compile(feeds, Path(text) / f"state{number}") for number in range(setting.rounds)]
    for at, (what, unit) in enumerate((("time of a full compile", "s"), ("its greatest memory", "MB"))):
        yield Comparison(f"{what}, {len(listed):,} names", unit, "low", {OURS: Spread(tuple(one[at] for one in taken))})


def _compile(feeds: dict[str, tuple[Path, str]], root: Path) -> tuple[float, float]:
    """Compile from nothing; return seconds and the peak of the process's resident memory in MB."""
    StateDir(root).prepare()
    began = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, "-m", "proxy.feeds.compile"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    assert child.stdin is not None
    child.stdin.write(corpus.job(feeds, root).encode())
    child.stdin.close()
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        raise RuntimeError(f"the feed process ended with {status}")
    return time.perf_counter() - began, usage.ru_maxrss / 1024
