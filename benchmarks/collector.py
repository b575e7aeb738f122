"""What one collector takes in per second, and how quick its slowest page is meanwhile, on SQLite and on PostgreSQL.

Both begin with the same kept events (a million; `--quick`: twenty thousand), so that pages have something to read.
There is no peer: what is compared is the two databases, and the ratio is SQLite's beside PostgreSQL's. The goal is
of a machine with two cores, so the collector has all of them; the load takes its share of the last, which in life is
another machine's. One person reads: a page, half a second, the next page.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.collector_load import GATEWAYS, OFFERED, PAUSE
from benchmarks.harness import OURS, Comparison, Missing, Spread
from benchmarks.postgresql import cluster
from benchmarks.setting import ROOT, Setting, load_cores, pinned

_START = 60.0  # seconds
_PEER = "seawall on postgresql"
LEAST, SLOWEST = 5000, 200  # the goals: events a second, milliseconds


def compare(setting: Setting) -> Iterator[Comparison]:
    kept = 20_000 if setting.quick else 1_000_000
    missing: dict[str, str] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="seawall-collector-")))
        urls = {OURS: f"sqlite:///{folder}/collector.sqlite"}
        try:
            urls[_PEER] = stack.enter_context(cluster())
        except Missing as error:
            missing[_PEER] = str(error)
        _fill(list(urls.values()), kept)
        loads = {name: stack.enter_context(_collector(url, folder / f"{len(name)}.log")) for name, url in urls.items()}
        measured = _rounds(loads, setting)
    words = f"with {kept:,} events kept, {GATEWAYS} gateways, collector on all cores"
    rates = {name: Spread(tuple(one["rate"] for one in taken)) for name, taken in measured.items()}
    most = {name: Spread(tuple(one["most"] for one in taken)) for name, taken in measured.items()}
    pages = {name: Spread(tuple(max(one["pages"].values()) for one in taken)) for name, taken in measured.items()}
    slowest = {name: f" ({_slowest(taken)})" for name, taken in measured.items()}
    offered = f"events taken per second of {OFFERED:,.0f} offered, {words}, a page every {PAUSE:g} s"
    small = " Quick: too little data and time to say so of the goal." if setting.quick else ""
    told = _judged(f"at least {LEAST:,}/s", {name: one.median >= LEAST for name, one in rates.items()}, {})
    yield Comparison(f"events taken per second, {words}, nobody at the console", "/s", "high", most, missing)
    yield Comparison(offered, "/s", "high", rates, missing, told + small)
    told = _judged(f"under {SLOWEST} ms", {name: one.median < SLOWEST for name, one in pages.items()}, slowest)
    title = f"slowest page of the console meanwhile, {words} (median answer)"
    yield Comparison(title, "ms", "low", pages, missing, told + small)


def _slowest(taken: list[dict[str, Any]]) -> str:
    """Return the page that was slowest, by the median of the rounds."""
    return max(taken[0]["pages"], key=lambda page: median(one["pages"][page] for one in taken))


def _judged(goal: str, passed: dict[str, bool], words: dict[str, str]) -> str:
    """Say who met a goal, by the median of the rounds."""
    told = (f"{'PASS' if met else 'FAIL'} {name}{words.get(name, '')}" for name, met in passed.items())
    return f"goal {goal}: {', '.join(told)}."


def _fill(urls: list[str], kept: int) -> None:
    """Fill all databases at once, each from a process of its own that tells on standard error how far it is."""
    command = [sys.executable, "-m", "benchmarks.collector_seed"]
    filling = [subprocess.Popen([*command, url, str(kept)], cwd=ROOT) for url in urls]
    try:
        if any(child.wait() for child in filling):
            raise Missing("a database could not be filled: see above")
    finally:
        for child in filling:
            child.kill()


def _rounds(
    loads: dict[str, Callable[[float, int], dict[str, Any]]], setting: Setting
) -> dict[str, list[dict[str, Any]]]:
    """Measure each collector in turn, saying on standard error what was found so far."""
    taken: dict[str, list[dict[str, Any]]] = {name: [] for name in loads}
    for number in range(setting.rounds):
        for name in sorted(loads, reverse=bool(number % 2)):
            found = loads[name](setting.seconds * 8.0, (1 + number) * 100_000_000)
            taken[name].append(found)
            told = f"{found['most']:,.0f}/s alone, {found['rate']:,.0f}/s of {OFFERED:,.0f} beside the console"
            print(f"round {number + 1}: {name}: {told}", file=sys.stderr, flush=True)
    return taken


@contextmanager
def _collector(url: str, log: Path) -> Iterator[Callable[[float, int], dict[str, Any]]]:
    """Run a collector; give a function that loads it."""
    address = log.with_suffix(".url")
    command = [sys.executable, "-m", "benchmarks.collector_server", url, str(address)]
    with log.open("wb") as out:
        child = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + _START
        while not address.exists():
            if child.poll() is not None or time.monotonic() > deadline:
                raise Missing(f"the collector did not start: {log.read_text()[-500:]}")
            time.sleep(0.05)
        yield lambda seconds, begin: _load(address.read_text(), seconds, begin)
    finally:
        child.terminate()
        child.wait(20)


def _load(address: str, seconds: float, begin: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.collector_load", address, str(seconds), str(begin)]
    with pinned(load_cores()):
        done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, env=os.environ)
    if done.returncode:
        raise Missing(f"the load failed: {done.stderr[-500:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found
