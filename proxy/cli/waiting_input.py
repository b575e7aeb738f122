"""Standard input whose reader can always be interrupted. What is read is none of this file's concern.

A signal that comes after Python last looked for one and before it waits in `read` is noted, and the wait goes on until
there is input: whoever presses Ctrl-C at that moment has to press it again. A wait that also ends by a byte that the
signal itself writes has no such moment.
"""

from __future__ import annotations

import io
import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from proxy.checking.stream import Source


class WaitingInput:
    """Read from a descriptor. `woken` is the end of a pipe into which each signal writes."""

    def __init__(self, handle: int, woken: int) -> None:
        self._handle = handle
        self._woken = woken

    def read1(self, size: int, /) -> bytes:
        """Return at least one byte, or none at the end. Raises KeyboardInterrupt when told to end."""
        while True:
            ready, _, _ = select.select([self._handle, self._woken], [], [])
            if self._woken in ready:
                os.read(self._woken, 1)  # by now the signal's handler has run
            elif self._handle in ready:
                return os.read(self._handle, size)


@contextmanager
def waiting_input(stream: BinaryIO) -> Iterator[Source]:
    """Give a stream's reader to the main thread; signals write to a pipe of ours meanwhile.

    What the stream has read already is passed over; one that only stands in memory, as tests have, never waits.
    """
    try:
        handle = stream.fileno()
    except io.UnsupportedOperation:
        yield cast("Source", stream)
        return
    woken, told = os.pipe()
    os.set_blocking(told, False)
    before = signal.set_wakeup_fd(told)
    try:
        yield WaitingInput(handle, woken)
    finally:
        signal.set_wakeup_fd(before)
        os.close(told)
        os.close(woken)
