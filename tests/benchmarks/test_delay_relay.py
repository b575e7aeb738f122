"""The late way of benchmarks outlives a refusal at its other end: one datagram is lost, the next one arrives."""

from __future__ import annotations

import socket

from benchmarks.delay_relay import Way


def test_a_refusal_is_a_loss_and_no_end() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
        gone.bind(("127.0.0.1", 0))
        there = gone.getsockname()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.connect(there)
        way = Way(out, 0)
        for word in (b"nobody is there", b"meets the refusal of the one before"):
            way.take(word)
            assert way.send_due() == 1.0, "nothing is under way any more"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind(there)
            server.settimeout(20)
            way.take(b"heard")
            way.send_due()
            assert server.recv(99) == b"heard"
