"""Benchmark `tunnels`: what open tunnels cost: bulk download, memory of idle ones, and what 10,000 dropped ones leave.

The download goes through curl on the load's core from nginx; CPU per gigabyte is of all processes of the proxy.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import psutil

from benchmarks.connect_load import client_hello
from benchmarks.harness import OURS, Comparison, Probe, Spread, interleave
from benchmarks.processes import program
from benchmarks.setting import Setting, load_cores, pinned
from benchmarks.splice import cpu_of, ours, squid, tls_origin

_HOST = "localhost"
_DROP_AFTER = (0, 1, 20, 60, 10_000)  # bytes sent before a connection is dropped; the last is all of them


def compare(setting: Setting) -> Iterator[Comparison]:
    with tempfile.TemporaryDirectory() as text, ExitStack() as stack:
        folder = Path(text)
        folder.chmod(0o755)
        size = 128 if setting.quick else 512
        (folder / "bulk").write_bytes(bytes(size * 1024 * 1024))
        origin = stack.enter_context(tls_origin(folder))
        port, pid = stack.enter_context(ours(folder))
        theirs, their_pid = stack.enter_context(squid(folder))
        pids, ports = {OURS: pid, "squid": their_pid}, {OURS: port, "squid": theirs}
        yield from _bulk(ports, pids, origin, size, setting)
        yield from _idle(ports[OURS], pids[OURS], origin, 200 if setting.quick else 2000)
        yield from _dropped(ports[OURS], pids[OURS], origin, 500 if setting.quick else 10_000)


def _bulk(
    ports: Mapping[str, int], pids: Mapping[str, int], origin: int, size: int, setting: Setting
) -> Iterator[Comparison]:
    spent: dict[str, list[float]] = {name: [] for name in ports}
    front: list[float] = []
    probes: dict[str, Probe] = {
        name: partial(_download, origin, port, pids[name], size, spent[name]) for name, port in ports.items()
    }
    probes[OURS] = partial(_with_front, probes[OURS], front_of(pids[OURS]), size, front)
    yield Comparison("bulk download through a tunnel", "MB/s", "high", interleave(probes, setting.rounds))
    cpu = {name: Spread(tuple(values)) for name, values in spent.items()}
    note = "all processes of each, with what they spend on doing nothing meanwhile"
    yield Comparison("CPU of a gigabyte", "s", "low", cpu, {}, note)
    yield Comparison("CPU of a gigabyte, front alone", "s", "low", {OURS: Spread(tuple(front)), "squid": cpu["squid"]})


def _with_front(probe: Probe, front: psutil.Process, size: int, spent: list[float]) -> float:
    before = front.cpu_times()
    rate = probe()
    after = front.cpu_times()
    spent.append((after.user + after.system - before.user - before.system) * 1024 / size)
    return rate


def _download(origin: int, proxy: int, pid: int, size: int, spent: list[float]) -> float:
    before, began = cpu_of(pid), time.perf_counter()
    options = ["-sk", "-o", "/dev/null", "-x", f"http://127.0.0.1:{proxy}"]
    with pinned(load_cores()):
        subprocess.run([program("curl", "curl"), *options, f"https://{_HOST}:{origin}/bulk"], check=True, timeout=300)
    rate = size / (time.perf_counter() - began)
    spent.append((cpu_of(pid) - before) * 1024 / size)
    return rate


def _idle(proxy: int, pid: int, origin: int, count: int) -> Iterator[Comparison]:
    """Open tunnels, let their handshake begin, and see what the front's own memory has grown by."""
    front = front_of(pid)
    before = front.memory_info().rss
    with ExitStack() as stack:
        hello = client_hello()
        for _ in range(count):
            opened = stack.enter_context(_connected(proxy, origin))
            opened.sendall(hello)
            opened.recv(1)
        grown = (front.memory_info().rss - before) / count / 1024
    yield Comparison(f"memory of an idle tunnel, of {count:,}", "KB", "low", {OURS: Spread((grown,))})


def _dropped(proxy: int, pid: int, origin: int, count: int) -> Iterator[Comparison]:
    """Drop connections at every point of the handshake, and see what stays behind once they are gone."""
    front = front_of(pid)
    words = _request(origin) + client_hello()
    _drop(proxy, words, count // 10)  # what is made once is made now
    _settle(front)
    files, memory = front.num_fds(), front.memory_info().rss
    _drop(proxy, words, count)
    _settle(front)
    left = {OURS: Spread((float(front.num_fds() - files),))}
    grown = {OURS: Spread(((front.memory_info().rss - memory) / 1024,))}
    yield Comparison(f"descriptors left by {count:,} dropped connections", "files", "low", left)
    yield Comparison(f"memory left by {count:,} dropped connections", "KB", "low", grown)


def _drop(proxy: int, words: bytes, count: int) -> None:
    for number in range(count):
        with socket.create_connection(("127.0.0.1", proxy), timeout=10) as opened, contextlib.suppress(OSError):
            opened.sendall(words[: _DROP_AFTER[number % len(_DROP_AFTER)]])


def _settle(front: psutil.Process) -> None:
    """Wait until the number of open files has stopped falling."""
    last, still = -1, 0
    while still < 10:
        files = front.num_fds()
        still = still + 1 if files == last else 0
        last = files
        time.sleep(0.1)


@contextlib.contextmanager
def _connected(proxy: int, origin: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", proxy), timeout=30) as opened:
        opened.sendall(_request(origin))
        said = b""
        while not said.endswith(b"\r\n\r\n"):
            said += opened.recv(4096)
        yield opened


def _request(origin: int) -> bytes:
    return f"CONNECT {_HOST}:{origin} HTTP/1.1\r\nHost: {_HOST}:{origin}\r\n\r\n".encode()


def front_of(pid: int) -> psutil.Process:
    """Return the gateway's front process."""
    return next(one for one in psutil.Process(pid).children() if "front" in one.cmdline())
