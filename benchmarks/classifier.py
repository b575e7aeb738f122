"""Benchmark `classifier`: what a verdict, and holding a snapshot, costs beside a Python set of the same names.

The peer answers yes or no; ours answers with evidence, precedence and policy. The ratio says what that costs.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks import names
from benchmarks.harness import OURS, Comparison, Probe, Spread, interleave
from benchmarks.setting import ROOT, Setting, pinned, server_cores
from indicators import testfeed
from indicators.classifier import Classifier
from indicators.memory_index import MemoryIndex
from indicators.observation import Device, Observation
from indicators.settings import PolicySettings
from indicators.words import Category, Stage
from proxy.config.model import Config, FeedConfig
from proxy.feeds.job import make_job
from proxy.feeds.store import open_current
from proxy.state import StateDir

PEER = "python set"
_DEVICE = Device("bench", "bench", address="127.0.0.1", listener="http")
_ASKED = 20_000  # hosts a round
_SMALL = 100_000  # names
_COMPILE_LIMIT = 600  # seconds


def compare(setting: Setting) -> Iterator[Comparison]:
    everything = names.listed()
    sizes = (2_000,) if setting.quick else (_SMALL, len(everything))
    for size in sizes:
        some = everything if size == len(everything) else random.Random(size).sample(everything, size)
        with tempfile.TemporaryDirectory() as folder, pinned(server_cores()):
            yield from _at_size(setting, some, Path(folder))


def _at_size(setting: Setting, some: list[str], folder: Path) -> Iterator[Comparison]:
    state = compiled(names.write(folder / "names", some), folder / "state")
    yield from _verdicts(setting, some, state)
    yield from _holding(setting, some, folder)


def compiled(listing: Path, root: Path) -> StateDir:
    """Compile a list as the gateway does, in the feed process, and return the state directory that holds it."""
    state = StateDir(root)
    state.prepare()
    feed = FeedConfig(name="bench", path=listing, format="domains", category=Category.MALWARE)
    job = make_job(Config(state_dir=root, feeds=(feed,)), refresh=["bench"])
    command = [sys.executable, "-m", "proxy.feeds.compile"]
    text = job.model_dump_json()
    subprocess.run(
        command, cwd=ROOT, input=text, text=True, check=True, stdout=subprocess.DEVNULL, timeout=_COMPILE_LIMIT
    )
    return state


def classifier(state: StateDir) -> Classifier:
    """Open the snapshot as a worker does, the test feed beside it."""
    snapshot = open_current(state)
    assert snapshot is not None
    return Classifier(MemoryIndex(), (testfeed.load(), snapshot), PolicySettings())


def _verdicts(setting: Setting, some: list[str], state: StateDir) -> Iterator[Comparison]:
    ours, theirs = classifier(state), set(some)
    asked = {"clean": names.clean(theirs), "listed": names.blocked(some, _ASKED)}
    for kind, hosts in asked.items():
        note = _agreement(ours, theirs, hosts)
        what = f"host verdict, {kind} hosts, {len(some):,} names"
        yield _timed(setting, what, _judge_hosts(ours, hosts), _walk_hosts(theirs, hosts), len(hosts), note)
        urls = [f"https://{host}/account/sign-in?next=%2Fhome&id={at}" for at, host in enumerate(hosts)]
        what = f"URL verdict, {kind} hosts, {len(some):,} names"
        yield _timed(setting, what, _judge_urls(ours, urls), _walk_urls(theirs, urls), len(urls), note)


def _timed(
    setting: Setting, what: str, ours: Callable[[], None], theirs: Callable[[], None], count: int, note: str
) -> Comparison:
    probes: dict[str, Probe] = {OURS: partial(_microseconds, ours, count), PEER: partial(_microseconds, theirs, count)}
    interleave(probes, 1)  # the first look maps the pages
    return Comparison(what, "µs", "low", interleave(probes, setting.rounds), note=note)


def _microseconds(work: Callable[[], None], count: int) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) / count * 1e6


def _judge_hosts(ours: Classifier, hosts: Sequence[str]) -> Callable[[], None]:
    now = datetime.now(UTC)
    seen = [Observation(Stage.DNS, _DEVICE, hosts=(host,)) for host in hosts]

    def work() -> None:
        for one in seen:
            ours.judge(one, now)

    return work


def _judge_urls(ours: Classifier, urls: Sequence[str]) -> Callable[[], None]:
    now = datetime.now(UTC)
    seen = [Observation(Stage.HTTP, _DEVICE, hosts=(urlsplit(url).netloc,), url=url) for url in urls]

    def work() -> None:
        for one in seen:
            ours.judge(one, now)

    return work


def _walk_hosts(theirs: set[str], hosts: Sequence[str]) -> Callable[[], None]:
    def work() -> None:
        for host in hosts:
            names.walk(host, theirs)

    return work


def _walk_urls(theirs: set[str], urls: Sequence[str]) -> Callable[[], None]:
    """Take the host with urllib, which a quick filter would do; its cache is emptied by so many URLs."""

    def work() -> None:
        for url in urls:
            names.walk(urlsplit(url).hostname or "", theirs)

    return work


def _agreement(ours: Classifier, theirs: set[str], hosts: Sequence[str]) -> str:
    """Count where the two differ, so that nobody compares the cost of two different answers unawares."""
    now = datetime.now(UTC)
    differ = sum(
        bool(ours.judge(Observation(Stage.DNS, _DEVICE, hosts=(host,)), now).matches) != names.walk(host, theirs)
        for host in hosts
    )
    return f"{differ} of {len(hosts)} answers differ (public suffixes, names outside DNS's limits)" if differ else ""


def _holding(setting: Setting, some: list[str], folder: Path) -> Iterator[Comparison]:
    """Open and touch in a process of its own each time: memory and time from nothing."""
    hosts = names.blocked(some, _ASKED)
    asked = names.write(folder / "asked", hosts)
    found: dict[str, dict[str, list[float]]] = {OURS: {}, PEER: {}}
    sources = {OURS: folder / "state", PEER: folder / "names"}
    for _ in range(setting.rounds):
        for subject, source in sources.items():
            for key, value in _opened(subject, source, asked).items():
                found[subject].setdefault(key, []).append(value)
    for key, unit in (("open", "ms"), ("growth", "MB"), ("private", "MB")):
        spreads = {subject: Spread(tuple(values[key])) for subject, values in found.items()}
        yield Comparison(f"{_HOLDING[key].format(len(hosts))}, {len(some):,} names", unit, "low", spreads)


_HOLDING = {
    "open": "time to open (ours checks the whole file, the peer reads a text file)",
    "growth": "memory growth of one process after opening and {:,} looks",
    "private": "the part of that growth that a second process would pay again",
}


def _opened(subject: str, source: Path, asked: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.opening", subject, str(source), str(asked)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=_COMPILE_LIMIT)
    return {key: float(value) for key, value in (line.split() for line in done.stdout.splitlines())}
