"""Benchmark `scan_load`: fifty 20 MB packages downloaded and scanned at once, and what DNS and splicing feel of it.

Each package is another file, so each is scanned. Names and spliced connections are asked for one after another, first
with nothing else to do and then meanwhile; memory is that of every process of the gateway, shared pages once. Who
downloads is a process of its own that gives way to those who ask: their delay is not the gateway's.
"""

from __future__ import annotations

import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil

from benchmarks import memory, names, open_loop
from benchmarks.harness import OURS, Comparison, Spread
from benchmarks.inspect import median_to_spliced
from benchmarks.processes import gateway, port_of, program
from benchmarks.scan import HOST, SIZE, origin_of, write_packages
from benchmarks.setting import Setting, load_cores, pinned, server_cores
from benchmarks.splice import tls_origin

_DOWNLOADS = 50
_QUICK = 10
_QUERIES = 200  # a second
_SECONDS = 3.0  # of one look at DNS
_SPLICED = 200  # connections of one look
_LOOK = 0.2  # seconds between looks at memory
_PATIENCE = 600.0  # seconds for all downloads
_GIVES_WAY = ("nice", "-n", "10")
_IDLE = "the same, idle"


def compare(setting: Setting) -> Iterator[Comparison]:
    count, size = (_QUICK, SIZE // 10) if setting.quick else (_DOWNLOADS, SIZE)
    with tempfile.TemporaryDirectory(prefix="seawall-bench-") as text, ExitStack() as stack:
        folder = Path(text)
        folder.chmod(0o755)  # nginx may give up its rights
        rounds = 1 if setting.quick else setting.rounds
        write_packages(folder / "www", count * rounds + 1, size)
        files = stack.enter_context(origin_of(folder))
        (folder / "tls").mkdir()
        (folder / "tls").chmod(0o755)
        tls = stack.enter_context(tls_origin(folder / "tls"))
        settings = {"dns": {"hosts": {HOST: "127.0.0.1"}}, "scan": {"enabled": True}}
        pid, endpoints = stack.enter_context(gateway(folder, server_cores(), settings))
        proxy, dns = port_of(endpoints["http_proxy"]), port_of(endpoints["dns"])
        questions = names.write(folder / "questions", [HOST])

        def names_asked() -> float:
            return open_loop.run(dns, questions, _QUERIES, _SECONDS).median

        def spliced() -> float:
            return median_to_spliced(proxy, tls, _SPLICED)

        first = count * rounds
        _all_came(_downloading(proxy, files, range(first, first + 1)), 1)  # starts the scan process
        looks: dict[str, Callable[[], float]] = {"DNS answer": names_asked, "spliced ServerHello": spliced}
        idle = {what: [look() for _ in range(rounds)] for what, look in looks.items()}
        busy: dict[str, list[float]] = {what: [] for what in looks}
        most = [_one_round(pid, proxy, files, range(at * count, (at + 1) * count), looks, busy) for at in range(rounds)]
        for what in looks:
            found = {OURS: Spread(tuple(busy[what])), _IDLE: Spread(tuple(idle[what]))}
            yield Comparison(f"{what} while {count} packages are downloaded and scanned, median", "ms", "low", found,
                             note="goal: at most 1.5 times the idle one")  # fmt: skip
        yield Comparison(f"memory of all processes meanwhile, the most, {count} downloads", "MB", "low",
                         {OURS: Spread(tuple(most))}, note="goal: under 600 MB")  # fmt: skip


def _one_round(
    pid: int,
    proxy: int,
    files: int,
    numbers: range,
    looks: dict[str, Callable[[], float]],
    busy: dict[str, list[float]],
) -> float:
    """Download all at once, take each look meanwhile, and return the most memory that was seen."""
    over, most = threading.Event(), [0.0]

    def watch() -> None:
        while not over.wait(_LOOK):
            with suppress(OSError, psutil.Error):  # a process ended while it was looked at
                most[0] = max(most[0], memory.of_family(pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        clients = _downloading(proxy, files, numbers)
        try:
            for what, look in looks.items():
                busy[what].append(look())
            _all_came(clients, len(numbers))
        finally:
            clients.kill()
    finally:
        over.set()
        watcher.join()
    return most[0]


def _downloading(proxy: int, files: int, numbers: range) -> subprocess.Popen[str]:
    """Begin to download all of these at once."""
    address = f"http://{HOST}:{files}/[{numbers[0]}-{numbers[-1]}].apk"
    curl = [
        program("curl", "curl"),
        "-s",
        "-x",
        f"http://127.0.0.1:{proxy}",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code}\\n",
    ]
    at_once = ["--parallel", "--parallel-immediate", "--parallel-max", str(len(numbers))]
    with pinned(load_cores()):
        return subprocess.Popen(
            [*_GIVES_WAY, *curl, *at_once, address], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )


def _all_came(clients: subprocess.Popen[str], count: int) -> None:
    said, _ = clients.communicate(timeout=_PATIENCE)
    if said.split() != ["200"] * count:
        raise RuntimeError(f"{count} downloads were answered with {' '.join(said.split())}")
