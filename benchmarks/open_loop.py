"""A child of the DNS benchmarks that need latency: `python -m benchmarks.open_loop PORT QUESTIONS RATE SECONDS`.

It sends so many questions a second whether answers come or not, for a closed loop would slow down with what it
measures. It prints one JSON object: times from each sending to its answer in milliseconds, and what went wrong.
"""

from __future__ import annotations

import json
import select
import socket
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import quantiles

from dnslib import DNSRecord

from benchmarks.setting import ROOT, load_cores, pinned

_PATIENCE = 5.0  # seconds for the last answers
_IDS = 1 << 16


@dataclass(frozen=True, slots=True)
class Answered:
    """Hold what came of one run; times in milliseconds. `open` counts answers other than 0.0.0.0."""

    sent: int
    lost: int
    open: int
    median: float
    p99: float
    longest: float


def start(port: int, questions: Path, rate: int, seconds: float) -> subprocess.Popen[str]:
    """Start the load on its own core."""
    command = [sys.executable, "-m", "benchmarks.open_loop", str(port), str(questions), str(rate), str(seconds)]
    with pinned(load_cores()):
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def finish(load: subprocess.Popen[str]) -> Answered:
    """Wait for the load to end; return what came of it."""
    out, _ = load.communicate()
    return Answered(**json.loads(out))


def run(port: int, questions: Path, rate: int, seconds: float) -> Answered:
    """Put the load on a resolver; return what came of it."""
    return finish(start(port, questions, rate, seconds))


class _Load:
    def __init__(self, port: int, hosts: list[str], rate: int, count: int) -> None:
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
        self._sock.connect(("127.0.0.1", port))
        self._sock.setblocking(False)
        self._packets = [bytes(DNSRecord.question(host).pack())[2:] for host in hosts]
        self._rate, self._count = rate, count
        self._sent_at = [0.0] * _IDS
        self._times: list[float] = []
        self._open = 0

    def run(self) -> Answered:
        began = time.perf_counter()
        sent = 0
        until = began + self._count / self._rate + _PATIENCE
        while len(self._times) < self._count and (now := time.perf_counter()) < until:
            due = min(int((now - began) * self._rate) + 1, self._count)
            while sent < due:
                self._send(sent)
                sent += 1
            wait = max(began + sent / self._rate - time.perf_counter(), 0) if sent < self._count else 0.1
            if select.select([self._sock], [], [], wait)[0]:
                self._receive()
        self._times.sort()
        cuts = quantiles(self._times, n=100) if len(self._times) > 1 else [0.0] * 99
        lost = self._count - len(self._times)
        return Answered(self._count, lost, self._open, cuts[49], cuts[98], max(self._times, default=0.0))

    def _send(self, number: int) -> None:
        place = number % _IDS
        try:
            self._sent_at[place] = time.perf_counter()
            self._sock.send(place.to_bytes(2) + self._packets[number % len(self._packets)])
        except OSError:  # full, or refused: it counts as lost
            self._sent_at[place] = 0.0

    def _receive(self) -> None:
        while True:
            try:
                reply = self._sock.recv(4096)
            except OSError:
                return
            place = int.from_bytes(reply[:2])
            if self._sent_at[place]:
                self._times.append((time.perf_counter() - self._sent_at[place]) * 1000)
                self._sent_at[place] = 0.0
            self._open += not reply.endswith(bytes(4))


def main(port: str, questions: str, rate: str, seconds: str) -> None:
    hosts = [line.split()[0] for line in Path(questions).read_text().splitlines()]
    count = int(float(seconds) * int(rate))
    print(json.dumps(asdict(_Load(int(port), hosts, int(rate), count).run())))


if __name__ == "__main__":
    main(*sys.argv[1:5])
