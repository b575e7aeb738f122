"""What the benchmark of spliced connections counts."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.splice import Load, cpu_of

_BURN = "import time\nwhile time.process_time() < 0.3: pass"


def test_the_cpu_time_of_a_child_that_has_ended_counts() -> None:
    before = cpu_of(os.getpid())
    subprocess.run([sys.executable, "-c", _BURN], check=True, timeout=60)
    assert cpu_of(os.getpid()) - before > 0.25  # the system counts in hundredths of a second


def _serve(server: socket.socket, answer: bytes, heads: list[bytes]) -> None:
    """Answer what comes, one connection after another, until the server is shut."""
    while True:
        try:
            peer, _ = server.accept()
        except OSError:
            return
        with peer:
            came = peer.recv(4096)
            if came.startswith(b"CONNECT "):
                heads.append(came)
                peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                came = peer.recv(4096)
            if came.startswith(b"\x16"):
                peer.sendall(answer)


@pytest.mark.parametrize(("answer", "good"), [(b"\x16\x03\x03", True), (b"\x15\x03\x03", False)])
@pytest.mark.parametrize("proxied", [True, False])
@pytest.mark.parametrize("rate", [0.0, 50.0])
def test_the_load_counts_what_reached_a_server_hello(
    require_program: Callable[..., str], tmp_path: Path, answer: bytes, good: bool, proxied: bool, rate: float
) -> None:
    require_program("cc")
    heads: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0), backlog=512) as server:
        port = server.getsockname()[1]
        serving = threading.Thread(target=_serve, args=(server, answer, heads))
        serving.start()
        load = Load.compiled(tmp_path, 1 if proxied else port)
        reached, failed, median, late = load(port if proxied else 0, 1, rate)
        server.shutdown(socket.SHUT_RDWR)
    serving.join(20)
    assert (reached > 0, failed > 0) == (good, not good)
    assert 0 < median <= late
    assert bool(heads) is proxied
    assert all(head.startswith(b"CONNECT origin.test:1 HTTP/1.1\r\n") for head in heads)
    if rate:
        assert reached + failed <= rate + 1
