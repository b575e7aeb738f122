"""Benchmark `inspect`: CPU of a decrypted request beside a stock mitmdump with an empty addon, and splicing meanwhile.

One client sends requests over a kept-alive connection, by HTTP/1.1 and by HTTP/2 (curl) to an origin that speaks both,
and by HTTP/2 to one that does not; CPU is of all processes. The latency of a spliced connection is taken with the
inspector idle, and with it saturated.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from unittest.mock import patch

from benchmarks.connect_load import Load
from benchmarks.harness import OURS, Comparison, Probe, Spread, interleave
from benchmarks.processes import accepts, beside_python, free_port, gateway, port_of, program, running
from benchmarks.setting import Setting, load_cores, pinned, server_cores
from benchmarks.splice import cpu_of, tls_origin

_HOST = "localhost"
_EMPTY = "addons = []\n"


def compare(setting: Setting) -> Iterator[Comparison]:
    with tempfile.TemporaryDirectory() as text, ExitStack() as stack:
        folder = Path(text)
        folder.chmod(0o755)
        both = stack.enter_context(tls_origin(folder, h2=True))
        only_http1 = stack.enter_context(tls_origin(folder))
        port, pid = stack.enter_context(_ours(folder))
        theirs, their_pid = stack.enter_context(_mitmdump(folder))
        ports, pids = {OURS: port, "mitmdump": theirs}, {OURS: pid, "mitmdump": their_pid}
        count = 500 if setting.quick else 3000
        for version, origin, to in (
            ("--http1.1", both, ""),
            ("--http2", both, ""),
            ("--http2", only_http1, " offered to an origin of HTTP/1.1"),
        ):
            yield from _requests(version, to, ports, pids, origin, count, setting)
        yield _meanwhile(port, only_http1, 100 if setting.quick else 1000, setting.rounds)


def _requests(
    version: str, to: str, ports: Mapping[str, int], pids: Mapping[str, int], origin: int, count: int, setting: Setting
) -> Iterator[Comparison]:
    walls: dict[str, list[float]] = {name: [] for name in ports}
    probes: dict[str, Probe] = {
        name: partial(_cpu, version, port, pids[name], origin, count, walls[name]) for name, port in ports.items()
    }
    interleave({name: partial(_cpu, version, port, pids[name], origin, 20, []) for name, port in ports.items()}, 1)
    what = f"1,000 inspected requests, {version.removeprefix('--')}{to}"
    yield Comparison(f"CPU of {what}", "s", "low", interleave(probes, setting.rounds))
    yield Comparison(f"time of {what}", "s", "low", {name: Spread(tuple(taken)) for name, taken in walls.items()})


def _cpu(version: str, proxy: int, pid: int, origin: int, count: int, walls: list[float]) -> float:
    before, began = cpu_of(pid), time.perf_counter()
    with pinned(load_cores()):
        subprocess.run(_curl(version, proxy, origin, count), check=True, timeout=600, stdout=subprocess.DEVNULL)
    walls.append((time.perf_counter() - began) * 1000 / count)
    return (cpu_of(pid) - before) * 1000 / count


def _curl(version: str, proxy: int, origin: int, count: int) -> list[str]:
    address = f"https://{_HOST}:{origin}/?n=[1-{count}]"
    return [program("curl", "curl"), "-sk", version, "-x", f"http://127.0.0.1:{proxy}", address]


def _meanwhile(proxy: int, origin: int, count: int, rounds: int) -> Comparison:
    """Measure the median time to a spliced ServerHello, with the inspector idle and saturated."""
    probes: dict[str, Probe] = {
        OURS: partial(_saturated, proxy, origin, count),
        "the same, idle": partial(median_to_spliced, proxy, origin, count),
    }
    return Comparison(
        "spliced ServerHello while the inspector is saturated, median", "ms", "low", interleave(probes, rounds)
    )


def _saturated(proxy: int, origin: int, count: int) -> float:
    with pinned(load_cores()):
        command = _curl("--http1.1", proxy, origin, 1_000_000)
        busy = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(4)]
    try:
        time.sleep(0.5)
        return median_to_spliced(proxy, origin, count)
    finally:
        for child in busy:
            child.kill()
            child.wait()


def median_to_spliced(proxy: int, origin: int, count: int) -> float:
    """Return the median time from a connection to a spliced ServerHello, one after another, in milliseconds."""
    load = Load(origin, proxy, host="127.0.0.1")

    async def some() -> list[float]:
        for _ in range(count):
            await load.counted()
        return sorted(load.times)

    return asyncio.run(some())[count // 2] * 1000


@contextmanager
def _ours(folder: Path) -> Iterator[tuple[int, int]]:
    """Run a gateway that opens `localhost`; the address itself is spliced."""
    settings = {"dns": {"hosts": {_HOST: "127.0.0.1"}}, "inspect": [_HOST], "inspect_untrusted": True}
    trust = patch.dict(os.environ, SSL_CERT_FILE=str(folder / "certificate.pem"))
    with trust, gateway(folder, server_cores(), settings) as (pid, endpoints):
        yield port_of(endpoints["http_proxy"]), pid


@contextmanager
def _mitmdump(folder: Path) -> Iterator[tuple[int, int]]:
    port, script = free_port(), folder / "empty.py"
    script.write_text(_EMPTY)
    options = [f"listen_port={port}", "listen_host=127.0.0.1", f"confdir={folder / 'mitmproxy'}", "ssl_insecure=true"]
    chosen = [word for option in options for word in ("--set", option)]
    command = [beside_python("mitmdump"), "-q", "-s", str(script), *chosen]
    with running(command, server_cores(), partial(accepts, port), folder / "mitmdump.log") as child:
        yield port, child.pid
