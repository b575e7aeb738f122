"""Reading that a signal ends, also one that comes just before the wait."""

from __future__ import annotations

import io
import os
import select
import signal
from collections.abc import Iterator
from typing import Any, BinaryIO

import pytest

from proxy.cli.waiting_input import waiting_input

type Ends = tuple[BinaryIO, int]


@pytest.fixture
def ends() -> Iterator[Ends]:
    read, write = os.pipe()
    with os.fdopen(read, "rb") as stream:
        yield stream, write
    os.close(write)


def test_what_has_come_is_read_and_no_more_is_waited_for(ends: Ends) -> None:
    read, write = ends
    os.write(write, b"evil.example\ngood")
    with waiting_input(read) as source:
        assert (source.read1(5), source.read1(100)) == (b"evil.", b"example\ngood")


def test_the_end_is_nothing() -> None:
    read, write = os.pipe()
    os.close(write)
    with os.fdopen(read, "rb") as stream, waiting_input(stream) as source:
        assert source.read1(100) == b""


def test_what_stands_in_memory_never_waits() -> None:
    with waiting_input(io.BytesIO(b"evil.example")) as source:
        assert (source.read1(100), source.read1(100)) == (b"evil.example", b"")


def test_a_signal_that_came_before_the_wait_ends_it(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its handler has run already, as if Python had looked for signals and the wait had not yet begun."""
    read, write = ends
    waits: list[Any] = []
    heard: list[str] = []
    real: Any = select.select
    before = signal.signal(signal.SIGUSR1, lambda *_: heard.append("signal"))

    def wait(*descriptors: Any) -> Any:
        if not waits:
            os.kill(os.getpid(), signal.SIGUSR1)
        elif len(waits) == 1:
            os.write(write, b"went on")
        waits.append(descriptors)
        return real(*descriptors, 20)

    monkeypatch.setattr(select, "select", wait)
    try:
        with waiting_input(read) as source:
            assert source.read1(100) == b"went on"
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert (len(waits), heard) == (2, ["signal"])


def test_the_program_s_own_wakeup_stays(ends: Ends) -> None:
    os.set_blocking(ends[1], False)
    before = signal.set_wakeup_fd(ends[1])
    try:
        with waiting_input(ends[0]):
            pass
        assert signal.set_wakeup_fd(before) == ends[1]
    finally:
        signal.set_wakeup_fd(before)
