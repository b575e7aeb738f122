"""Benchmark `dns_latency`: what a forwarded query costs beside the upstream asked directly, at 1,000 a second.

Every name is new, so none is answered from a cache. The load is an open loop (`open_loop.py`).
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from benchmarks import dns, names, open_loop
from benchmarks.harness import OURS, Comparison, Probe, Spread, interleave
from benchmarks.setting import Setting

_RATE = 1_000  # queries a second
_LISTED = 5_000  # names that are listed meanwhile
DIRECT = "upstream"


def compare(setting: Setting) -> Iterator[Comparison]:
    listed = names.listed(_LISTED)
    with tempfile.TemporaryDirectory() as text, ExitStack() as stack:
        folder = Path(text)
        folder.chmod(0o755)  # unbound may give up its rights
        listing = names.write(folder / "names", listed)
        authority = stack.enter_context(dns.authority(folder))
        subjects, missing = dns.start(stack, folder, listing, authority, listed[0], (OURS, "unbound"))
        ports = {name: one.port for name, one in subjects.items()} | {DIRECT: authority}
        runs = itertools.count()

        def median(port: int) -> float:
            hosts = [f"n{at}.run-{next(runs)}.latency.test" for at in range(_RATE * setting.seconds)]
            return open_loop.run(port, names.write(folder / "questions", hosts), _RATE, setting.seconds).median

        probes: dict[str, Probe] = {name: lambda port=port: median(port) for name, port in ports.items()}
        interleave(probes, 1)  # warm
        found = interleave(probes, setting.rounds)
        yield Comparison(f"forwarded query, median, {_RATE:,} a second", "ms", "low", found, missing)
        direct = found.pop(DIRECT).values
        added = {
            name: Spread(tuple(a - b for a, b in zip(one.values, direct, strict=True))) for name, one in found.items()
        }
        yield Comparison("added to the upstream asked directly, median", "ms", "low", added, missing)
