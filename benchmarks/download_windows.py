"""A download's bytes in each second, and how far the worst second fell. Also a child of benchmark `enrol`:

`python -m benchmarks.download_windows ADDRESS`

It downloads over TLS until it is killed or the connection ends, and prints the end of each second (monotonic clock,
which all processes share) with the bytes that came in it.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.harness import Missing
from benchmarks.setting import ROOT, load_cores, pinned
from benchmarks.tunnel_load import NAME
from benchmarks.tunnel_network import Network

_LIMIT = 30.0  # seconds until the download has begun


@dataclass(frozen=True, slots=True)
class Window:
    """Hold the bytes of the second that ended at a moment."""

    end: float
    count: int


def lowest_share(seen: Sequence[Window], began: float, until: float, before: int) -> float:
    """Return the lowest second that ended after `began`, up to `until`, as a share of the median of those before.

    The seconds before are the last `before` that had ended by then: they do not move on with what is judged, so a
    download that stays slow counts as slow. Raises Missing where one of the two was not seen.
    """
    usual = [one.count for one in seen if one.end <= began][-before:]
    judged = [one.count for one in seen if began < one.end <= until]
    if len(usual) < before or not judged or not median(usual):
        raise Missing("the download did not run before and while it was measured")
    return min(judged) / median(usual)


class Download:
    """Hold a download that runs."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self._child = child
        self.seen: list[Window] = []

    def watch(self, until: float) -> None:
        """Take its seconds until one has ended at or after a moment. Raises Missing where it ended before."""
        assert self._child.stdout is not None
        while not self.seen or self.seen[-1].end < until:
            words = self._child.stdout.readline().split()
            if len(words) != 2:
                raise Missing("the download ended while it was measured")
            self.seen.append(Window(float(words[0]), int(words[1])))


@contextlib.contextmanager
def downloading(made: Network, address: str) -> Iterator[Download]:
    """Download on the phone until the block ends."""
    words = made.words("phone", sys.executable, "-m", "benchmarks.download_windows", address)
    with pinned(load_cores()):
        child = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        yield Download(child)
    finally:
        child.kill()
        child.wait()
        assert child.stdout is not None
        child.stdout.close()


def seconds_of(stream: socket.socket) -> Iterator[Window]:
    """Yield each second of what comes in, also those in which nothing came, until the other side ends it."""
    end, count = time.monotonic() + 1, 0
    while True:
        stream.settimeout(max(end - time.monotonic(), 0.001))
        try:
            data = stream.recv(1 << 18)
        except TimeoutError:
            data = None
        while time.monotonic() >= end:
            yield Window(end, count)
            end, count = end + 1, 0
        if data == b"":
            return
        count += len(data or b"")


def main(address: str) -> None:
    trust = ssl.create_default_context()
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    with trust.wrap_socket(socket.create_connection((address, 443), _LIMIT), server_hostname=NAME) as stream:
        stream.sendall(f"GET /bulk HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n".encode())
        for one in seconds_of(stream):
            print(one.end, one.count, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:2])
