"""Benchmark `dns_swap`: the longest answer while a new snapshot is compiled and taken, at 10,000 queries a second.

The control run has a busy loop of the same priority in the compiler's place. No query may be lost, and no listed name
may get another answer than its block.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks import dns, names, open_loop
from benchmarks.harness import OURS, Comparison, Missing, Spread
from benchmarks.processes import beside_python
from benchmarks.setting import Setting, pinned, server_cores

_RATE = 10_000  # queries a second
_SECONDS = 120  # for a compile of everything on a core that is in use
_QUICK = 10
_LISTED = 5_000
_BLOCKED = 20_000
CONTROL = "busy loop"


def compare(setting: Setting) -> Iterator[Comparison]:
    listed = names.listed(_LISTED if setting.quick else None)
    seconds = _QUICK if setting.quick else _SECONDS
    rounds = max(1, setting.rounds // 3)
    runs: dict[str, list[open_loop.Answered]] = {OURS: [], CONTROL: []}
    with tempfile.TemporaryDirectory() as text, ExitStack() as stack:
        folder = Path(text)
        listing = names.write(folder / "names", listed)
        authority = stack.enter_context(dns.authority(folder))
        subjects, _ = dns.start(stack, folder, listing, authority, listed[0], (OURS,))
        port = subjects[OURS].port
        hosts = [host for host in names.blocked(listed, _BLOCKED) if dns.ask(port, host) == ["0.0.0.0"]]
        questions = names.write(folder / "questions", hosts)  # but for those that a guard lets pass
        open_loop.run(port, questions, _RATE, seconds / 4)  # warm
        for number in range(rounds):
            with _busy_loop():
                runs[CONTROL].append(open_loop.run(port, questions, _RATE, seconds))
            runs[OURS].append(_while_compiling(folder, listing, port, questions, seconds, number))
    yield _comparison("longest answer", "ms", runs, "longest")
    yield _comparison("99th percentile", "ms", runs, "p99")
    yield _comparison(f"lost queries of {_RATE * seconds:,}", "queries", runs, "lost")
    yield _comparison("listed names that were let through", "answers", runs, "open")


def _while_compiling(
    folder: Path, listing: Path, port: int, questions: Path, seconds: int, number: int
) -> open_loop.Answered:
    """Compile and take a snapshot with one name more, under load. Raises Missing when it is not taken in that time."""
    fresh = f"fresh-{number}.swap-benchmark.example"
    with listing.open("a") as lines:
        lines.write(f"{fresh}\n")
    load = open_loop.start(port, questions, _RATE, seconds)
    with pinned(server_cores()):
        update = [beside_python("seawall"), "feeds", "update", "--config", str(folder / "gateway.yaml")]
        told = subprocess.run(update, capture_output=True, text=True, check=False)
    done = open_loop.finish(load)
    if dns.ask(port, fresh) != ["0.0.0.0"]:
        raise Missing(f"no new snapshot within {seconds} s: {(told.stderr or told.stdout).strip()[-200:]}")
    return done


@contextmanager
def _busy_loop() -> Iterator[None]:
    from proxy.feeds.compile import NICENESS  # noqa: PLC0415 - the compiler's own

    code = f"import os\nos.nice({NICENESS})\nwhile True: pass"
    with pinned(server_cores()):
        child = subprocess.Popen([sys.executable, "-c", code])
    try:
        yield
    finally:
        child.kill()
        child.wait()


def _comparison(what: str, unit: str, runs: dict[str, list[open_loop.Answered]], field: str) -> Comparison:
    found = {name: Spread(tuple(float(getattr(one, field)) for one in answered)) for name, answered in runs.items()}
    return Comparison(f"{what}, while compiling", unit, "low", found)
