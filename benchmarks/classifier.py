"""Benchmark `classifier`: what a verdict costs beside a bare suffix walk over a Python set of the same names.

One tenth of what is asked for is listed, nine tenths are clean hosts of top sites. The peer is handed the host and
answers yes or no; ours answers with evidence, precedence and policy, and takes a URL as text. The ratio is its price.
"""

from __future__ import annotations

import gc
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from benchmarks import corpus, names
from benchmarks.harness import OURS, Comparison, Probe, Spread, interleave
from benchmarks.setting import Setting, pinned, server_cores
from indicators import testfeed
from indicators.classifier import Classifier
from indicators.memory_index import MemoryIndex
from indicators.observation import Device, Observation
from indicators.settings import PolicySettings
from indicators.words import Stage
from proxy.feeds.store import open_current
from proxy.state import StateDir

PEER = "python set"
_DEVICE = Device("bench", "bench", address="127.0.0.1", listener="http")
_ASKED = 100_000  # hosts a round
_SMALL = 100_000  # names


def compare(setting: Setting) -> Iterator[Comparison]:
    everything = names.listed()
    with tempfile.TemporaryDirectory() as folder, pinned(server_cores()):
        if setting.quick:
            small = sorted(random.Random(1).sample(everything, 2_000))
            large = sorted(random.Random(2).sample(everything, 20_000))
        else:
            small, large = sorted(random.Random(1).sample(everything, _SMALL)), everything
        ours = {
            len(some): _opened(Path(folder) / str(len(some)), some, whole=not setting.quick and some is everything)
            for some in (small, large)
        }
        yield from _beside_a_set(setting, ours[len(large)], large)
        yield from _beside_a_small_one(setting, ours, small, large)


def _opened(folder: Path, some: list[str], *, whole: bool) -> Classifier:
    """Compile names (and, where all are, URLs and addresses), and open the snapshot as a worker does."""
    folder.mkdir()
    snapshot = open_current(_compiled(folder, some, whole=whole))
    assert snapshot is not None
    return Classifier(MemoryIndex(), (testfeed.load(), snapshot), PolicySettings())


def _compiled(folder: Path, some: list[str], *, whole: bool) -> StateDir:
    return corpus.compiled(corpus.write(folder, some, whole=whole), folder / "state")


def _beside_a_set(setting: Setting, ours: Classifier, listed: list[str]) -> Iterator[Comparison]:
    theirs, hosts = set(listed), corpus.asked(listed, _asked(setting))
    walk = partial(_microseconds, _walk(theirs, hosts), len(hosts))
    note = _agreement(ours, theirs, hosts)
    for what, work in (("host verdict", _judge_hosts(ours, hosts)), ("URL verdict", _judge_urls(ours, hosts))):
        probes: dict[str, Probe] = {OURS: partial(_microseconds, work, len(hosts)), PEER: walk}
        yield Comparison(f"{what}, {len(listed):,} names", "µs", "low", _measured(probes, setting), note=note)


def _beside_a_small_one(
    setting: Setting, ours: dict[int, Classifier], small: list[str], large: list[str]
) -> Iterator[Comparison]:
    """Compare the classifier over all names with itself over few; each is asked for hosts of its own list."""
    mixes = {len(some): corpus.asked(some, _asked(setting)) for some in (small, large)}
    for what, work in (("host verdict", _judge_hosts), ("URL verdict", _judge_urls)):
        probes: dict[str, Probe] = {
            (OURS if count == len(large) else f"{count:,} names"): partial(
                _microseconds, work(ours[count], mixes[count]), len(mixes[count])
            )
            for count in (len(large), len(small))
        }
        yield Comparison(f"{what}, {len(large):,} names", "µs", "low", _measured(probes, setting))


def _asked(setting: Setting) -> int:
    return 2_000 if setting.quick else _ASKED


def _measured(probes: dict[str, Probe], setting: Setting) -> dict[str, Spread]:
    gc.collect()
    gc.freeze()  # the questions are ours, not the classifier's: they are not to be looked through while it works
    interleave(probes, 1)  # the first look maps the pages
    try:
        return interleave(probes, setting.rounds)
    finally:
        gc.unfreeze()


def _microseconds(work: Callable[[], None], count: int) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) / count * 1e6


def _judge_hosts(ours: Classifier, hosts: Sequence[str]) -> Callable[[], None]:
    return _judge(ours, [Observation(Stage.DNS, _DEVICE, hosts=(host,)) for host in hosts])


def _judge_urls(ours: Classifier, hosts: Sequence[str]) -> Callable[[], None]:
    urls = [f"https://{host}/account/sign-in?next=%2Fhome&id={at}" for at, host in enumerate(hosts)]
    pairs = zip(hosts, urls, strict=True)
    return _judge(ours, [Observation(Stage.HTTP, _DEVICE, hosts=(host,), url=url) for host, url in pairs])


def _judge(ours: Classifier, seen: Sequence[Observation]) -> Callable[[], None]:
    now, judge = datetime.now(UTC), ours.judge

    def work() -> None:
        for one in seen:
            judge(one, now)

    return work


def _walk(theirs: set[str], hosts: Sequence[str]) -> Callable[[], None]:
    walk = names.walk

    def work() -> None:
        for host in hosts:
            walk(host, theirs)

    return work


def _agreement(ours: Classifier, theirs: set[str], hosts: Sequence[str]) -> str:
    """Count where the two differ, so that nobody compares the cost of two different answers unawares."""
    now = datetime.now(UTC)
    differ = sum(
        bool(ours.judge(Observation(Stage.DNS, _DEVICE, hosts=(host,)), now).matches) != names.walk(host, theirs)
        for host in hosts
    )
    why = "public suffixes, and hosts that the URLs and not the names list"
    return f"{differ} of {len(hosts)} answers differ ({why})" if differ else ""
