"""Benchmark `dns_soak`: five million queries, and the resolver's memory after each tenth of them.

Half of the names are blocked, half are answered from the cache; the rate is the highest that dnsperf gets. It tells
on stderr how far it is.

The cached half must fit the resolver's cache (32 MB, about 44,000 names). Going through more, in the same order each
time, always asks for what has just made way (least recently used): then every query would be forwarded.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import click

from benchmarks import dns, memory, names
from benchmarks.harness import OURS, Comparison, Missing, Spread
from benchmarks.processes import program
from benchmarks.setting import Setting, load_cores, pinned

_LISTED = 400_000  # names; a longer list takes longer to compile and changes nothing of what grows
_NAMES = 25_000  # blocked, and as many cached
_TIMES = 10  # through all names, for one part
_PARTS = 10
_QUICK = 1_000


def compare(setting: Setting) -> Iterator[Comparison]:
    program("dnsperf", "dnsperf")
    count = _QUICK if setting.quick else _NAMES
    listed = names.listed(_QUICK if setting.quick else _LISTED)
    with tempfile.TemporaryDirectory() as text, ExitStack() as stack:
        folder = Path(text)
        listing = names.write(folder / "names", listed)
        authority = stack.enter_context(dns.authority(folder))
        subjects, missing = dns.start(stack, folder, listing, authority, listed[0], (OURS,))
        if OURS in missing:
            raise Missing(missing[OURS])
        ours = subjects[OURS]
        hosts = [*names.blocked(listed, count), *(f"host-{at}.soak.test" for at in range(count))]
        questions = names.write(folder / "questions", [f"{host} A" for host in hosts])
        lost, taken = 0, []
        for part in range(1, _PARTS + 1):
            start = time.monotonic()
            lost += _ask(ours.port, questions)
            taken.append(memory.megabytes(dns.resolver_of(ours.pid)))
            passed, asked = time.monotonic() - start, len(hosts) * _TIMES
            told = f"{asked:,} queries in {passed:.1f} s, {lost} lost so far, {taken[-1]:.1f} MB"
            click.echo(f"dns_soak: part {part} of {_PARTS}: {told}", err=True)
    growth = taken[-1] - taken[1]
    note = f"{len(hosts) * _TIMES * _PARTS:,} queries, {lost} lost; from the second tenth to the last {growth:+.1f} MB"
    yield Comparison("the resolver's memory after each tenth", "MB", "low", {OURS: Spread(tuple(taken))}, {}, note)


def _ask(port: int, questions: Path) -> int:
    """Ask for every name several times; return how many answers did not come. Raises Missing."""
    where = ["-s", "127.0.0.1", "-p", str(port), "-d", str(questions), "-n", str(_TIMES), "-c", "8"]
    with pinned(load_cores()):
        done = subprocess.run([program("dnsperf", "dnsperf"), *where], capture_output=True, text=True, check=False)
    found = re.search(r"Queries lost:\s+(\d+)", done.stdout)
    if not found:
        raise Missing(f"dnsperf failed: {(done.stderr or done.stdout).strip()[-300:]}")
    return int(found[1])
