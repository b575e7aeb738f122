"""A server that never answers a connection attempt, on real sockets: its queue of connections is full."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

_SYN_SENT = "02"  # as /proc/net/tcp writes a connection that waits for the first answer


@contextlib.contextmanager
def deaf(address: str = "127.0.0.1") -> Iterator[int]:
    """Yield a port at which every connection attempt goes on until whoever tries gives up."""
    with contextlib.ExitStack() as open_, socket.socket() as listening:
        listening.bind((address, 0))
        listening.listen(0)
        port: int = listening.getsockname()[1]
        while not attempts(port):  # what is in the queue is connected; the first that is not hangs
            filling = open_.enter_context(socket.socket())
            filling.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filling.connect((address, port))
        yield port


def attempts(port: int) -> int:
    """Return how many attempts to connect to a port are under way."""
    rows = [line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]]
    return sum(row[3] == _SYN_SENT and int(row[2].rpartition(":")[2], 16) == port for row in rows)
