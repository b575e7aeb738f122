"""A child of benchmark `wireguard`: pass UDP datagrams between a tunnel's two ends, each way as late as it is told.

`python -m benchmarks.delay_relay HOST PORT SECONDS`

Prints the port that it listens on (loopback). It stands in for a far network, where the kernel has no `netem`: nothing
is lost, nothing comes out of order.
"""

from __future__ import annotations

import contextlib
import select
import socket
import sys
import time
from collections import deque

_LONGEST = 65535  # bytes of a datagram
_BATCH = 64  # datagrams read before those that are due are sent
_BUFFER = 8 << 20  # bytes; a burst of a window must fit

type Due = tuple[float, bytes]


class Way:
    """Hold one direction: where datagrams come in, where they go out, and those under way."""

    def __init__(self, out: socket.socket, late: float) -> None:
        self._out = out
        self._late = late
        self._under_way: deque[Due] = deque()

    def take(self, data: bytes) -> None:
        """Take a datagram."""
        self._under_way.append((time.monotonic() + self._late, data))

    def send_due(self) -> float:
        """Send what is due; return the seconds until the next one is, a second where there is none."""
        now = time.monotonic()
        while self._under_way and self._under_way[0][0] <= now:
            _, data = self._under_way.popleft()
            with contextlib.suppress(ConnectionRefusedError, BlockingIOError):
                # an earlier one was refused (nobody listens yet), or there is no room: lost, as on a real way
                self._out.send(data)
        return max(self._under_way[0][0] - now, 0) if self._under_way else 1.0


def relay(near: socket.socket, far: socket.socket, late: float) -> None:
    """Pass datagrams on until killed. `near` is not connected yet: its first sender is the client."""
    there, back = Way(far, late), Way(near, late)
    wait = 1.0
    while True:
        ready, _, _ = select.select([near, far], [], [], wait)
        for one in ready:
            _read(one, there if one is near else back, connect=one is near)
        wait = min(there.send_due(), back.send_due())


def _read(one: socket.socket, way: Way, *, connect: bool) -> None:
    for _ in range(_BATCH):
        try:
            data, peer = one.recvfrom(_LONGEST)
        except (BlockingIOError, ConnectionRefusedError):
            return
        if connect:
            one.connect(peer)
        way.take(data)


def _socket() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        made.setsockopt(socket.SOL_SOCKET, option, _BUFFER)
    made.setblocking(False)
    return made


def main(host: str, port: str, seconds: str) -> None:
    near, far = _socket(), _socket()
    near.bind(("127.0.0.1", 0))
    far.connect((host, int(port)))
    print(near.getsockname()[1], flush=True)
    relay(near, far, float(seconds))


if __name__ == "__main__":
    main(*sys.argv[1:4])
