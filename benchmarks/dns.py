"""Benchmark `dns`: queries per second for blocked and for cached names, and memory, beside unbound and dnslib's server.

Blocked names are asked for again and again, and then each once: the first time is judged and reported.

All hold the same names. dnsperf (Debian) is the load; every subject has the same upstream, which is ours and local.
"""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Container, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil
from dnslib import DNSRecord

from benchmarks import memory, names
from benchmarks.harness import OURS, Comparison, Missing, Probe, Spread, interleave
from benchmarks.processes import free_port, gateway, port_of, program, running
from benchmarks.setting import Setting, load_cores, pinned, server_cores

_QUICK = 5_000  # names
_BLOCKED = 100_000  # different blocked names asked for
_CACHED = 1_000  # different cached names asked for
_CLIENTS = 8
_ALL = (OURS, "unbound", "dnslib.server")
_ANSWER = 5.0  # seconds for one probing question
_COMPILED = 600.0  # seconds until our feed must be in force


@dataclass(frozen=True, slots=True)
class Subject:
    """Name a resolver that answers: its UDP port and its process."""

    port: int
    pid: int

    @property
    def answering(self) -> int:
        """Return the process that answers."""
        return resolver_of(self.pid)


def compare(setting: Setting) -> Iterator[Comparison]:
    program("dnsperf", "dnsperf")
    listed = names.listed(_QUICK if setting.quick else None)
    with tempfile.TemporaryDirectory() as text, ExitStack() as stack:
        folder = Path(text)
        folder.chmod(0o755)  # unbound may give up its rights
        listing = names.write(folder / "names", listed)
        upstream = stack.enter_context(authority(folder))
        subjects, missing = start(stack, folder, listing, upstream, listed[0])
        blocked = _questions(folder / "blocked", names.blocked(listed, _BLOCKED))
        cached = _questions(folder / "cached", [f"host-{at}.cached.test" for at in range(_CACHED)])
        for what, questions in (("blocked names", blocked), ("cached names", cached)):
            probes: dict[str, Probe] = {
                name: partial(_rate, one.port, questions, setting.seconds) for name, one in subjects.items()
            }
            interleave({name: partial(_rate, one.port, questions, 1) for name, one in subjects.items()}, 1)  # warm
            yield Comparison(
                f"{what}, {len(listed):,} listed", "queries/s", "high", interleave(probes, setting.rounds), missing
            )
        yield Comparison(
            f"blocked names, each for the first time, {len(listed):,} listed", "queries/s", "high",
            _first_times(folder, listed, subjects, setting), missing,
            "each round asks for other names; ours judges and reports every one of them",
        )  # fmt: skip
        found = {name: Spread((memory.megabytes(one.answering),)) for name, one in subjects.items()}
        yield Comparison(f"memory of the resolver after the load, {len(listed):,} listed", "MB", "low", found, missing)
        found = {name: Spread((memory.of_family(one.pid),)) for name, one in subjects.items()}
        note = "ours is all processes of the gateway; shared pages are counted once"
        yield Comparison(f"memory after the load, {len(listed):,} listed", "MB", "low", found, missing, note)


def _first_times(
    folder: Path, listed: list[str], subjects: Mapping[str, Subject], setting: Setting
) -> dict[str, Spread]:
    """Ask each subject, round by round, for names that it has not been asked for."""
    rest = names.blocked(listed, len(listed))[_BLOCKED:] or listed
    part = max(len(rest) // setting.rounds, 1)
    files = [
        _questions(folder / f"first-{at}", rest[at * part : (at + 1) * part] or rest) for at in range(setting.rounds)
    ]
    probes: dict[str, Probe] = {
        name: partial(lambda one, left: _rate(one.port, left.pop(0), setting.seconds, once=True), one, files.copy())
        for name, one in subjects.items()
    }
    return interleave(probes, setting.rounds)


def start(
    stack: ExitStack, folder: Path, listing: Path, authority: int, probe: str, wanted: Container[str] = _ALL
) -> tuple[dict[str, Subject], dict[str, str]]:
    """Start every resolver that is wanted and there; say why another is not there."""
    starters: Mapping[str, AbstractContextManager[Subject]] = {
        OURS: _ours(folder, listing, authority, probe),
        "unbound": _unbound(folder, listing, authority, probe),
        "dnslib.server": _dnslib(folder, listing, probe),
    }
    subjects: dict[str, Subject] = {}
    missing: dict[str, str] = {}
    for name in filter(wanted.__contains__, starters):
        try:
            subjects[name] = stack.enter_context(starters[name])
        except Missing as why:
            missing[name] = str(why)
    return subjects, missing


@contextmanager
def _ours(folder: Path, listing: Path, authority: int, probe: str) -> Iterator[Subject]:
    feed = {"name": "bench", "path": str(listing), "format": "domains", "category": "malware"}
    settings = {"dns": {"upstreams": [f"127.0.0.1:{authority}"]}, "feeds": [feed]}
    with gateway(folder, server_cores(), settings) as (pid, endpoints):
        port = port_of(endpoints["dns"])
        _until_blocked(port, probe, _COMPILED)
        yield Subject(port, pid)


@contextmanager
def _unbound(folder: Path, listing: Path, authority: int, probe: str) -> Iterator[Subject]:
    port, zone, config = free_port(), folder / "rpz.zone", folder / "unbound.conf"
    with listing.open() as lines, zone.open("w") as out:
        for line in lines:
            out.write(f"{line.strip()} A 0.0.0.0\n*.{line.strip()} A 0.0.0.0\n")
    config.write_text(_UNBOUND.format(port=port, folder=folder, zone=zone, authority=authority))
    command = [program("unbound", "unbound"), "-d", "-c", str(config)]
    with running(command, server_cores(), partial(_blocks, port, probe), folder / "unbound.log") as child:
        yield Subject(port, child.pid)


_UNBOUND = """
server:
  interface: 127.0.0.1@{port}
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: "{folder}/unbound.pid"
  num-threads: 1
  do-not-query-localhost: no
  local-zone: "test." nodefault
  module-config: "respip iterator"
  access-control: 127.0.0.0/8 allow
rpz:
  name: rpz.local
  zonefile: {zone}
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@{authority}
remote-control:
  control-enable: no
"""


@contextmanager
def _dnslib(folder: Path, listing: Path, probe: str) -> Iterator[Subject]:
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.dns_dnslib", str(port), str(listing)]
    with running(command, server_cores(), partial(_blocks, port, probe), folder / "dnslib.log") as child:
        yield Subject(port, child.pid)


@contextmanager
def authority(folder: Path) -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.dns_authority", str(port)]
    with running(command, load_cores(), lambda: bool(ask(port, "up.cached.test")), folder / "authority.log"):
        yield port


def _until_blocked(port: int, name: str, limit: float) -> None:
    """Wait until our compiled feed is in force. Raises Missing."""
    until = time.monotonic() + limit
    while not _blocks(port, name):
        if time.monotonic() > until:
            raise Missing(f"the feed was not in force within {limit:g} s")
        time.sleep(0.2)


def _blocks(port: int, name: str) -> bool:
    return ask(port, name) == ["0.0.0.0"]


def ask(port: int, name: str) -> list[str]:
    """Ask for a name's addresses over loopback; nothing where nobody answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(_ANSWER)
        try:
            client.connect(("127.0.0.1", port))
            client.send(DNSRecord.question(name).pack())
            return [str(one.rdata) for one in DNSRecord.parse(client.recv(4096)).rr]
        except OSError:
            return []


def resolver_of(pid: int) -> int:
    """Return the process that answers names: a gateway's resolver, or the process itself."""
    for child in psutil.Process(pid).children():
        if "resolver" in child.cmdline():
            return child.pid
    return pid


def _questions(path: Path, hosts: list[str]) -> Path:
    return names.write(path, [f"{host} A" for host in hosts])


def _rate(port: int, questions: Path, seconds: int, *, once: bool = False) -> float:
    """Return the queries per second of one dnsperf run. Raises Missing when it gives none."""
    where = ["-s", "127.0.0.1", "-p", str(port), "-d", str(questions)]
    command = [
        program("dnsperf", "dnsperf"),
        *where,
        "-l",
        str(seconds),
        "-c",
        str(_CLIENTS),
        *(["-n", "1"] if once else []),
    ]
    with pinned(load_cores()):
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds + 60)
    found = re.search(r"Queries per second:\s+([\d.]+)", done.stdout)
    if not found:
        raise Missing(f"dnsperf failed: {(done.stderr or done.stdout).strip()[-300:]}")
    return float(found[1])
