"""The inspectors as the front sees them: each device has one of them, and a client is handed over or it is not.

While an inspector is being started again, or does not answer, its clients wait a moment; who is to wait no longer is
the caller's to refuse.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Sequence
from pathlib import Path

from indicators.observation import Device
from proxy.front.client import Client
from proxy.front.inspector_line import LOOK, InspectorLine
from proxy.hand_over import HandOver

PATIENCE = 4.0  # seconds in which an inspector that is full, silent, or being started again, is waited for
_PAUSE = 0.02  # seconds between attempts


class Inspectors:
    """Hand clients over. All connections of a device go to the same inspector, which learns what the device trusts."""

    def __init__(self, paths: Sequence[Path], patience: float = PATIENCE, look: float = LOOK) -> None:
        self._lines = [InspectorLine(path, look) for path in paths]
        self._patience = patience

    async def give(self, given: HandOver, client: Client) -> None:
        """Hand a client's socket over and let go of it.

        Raises OSError when no inspector takes it in time; a client that does not read what it was answered is cut off.
        """
        line = self._lines[self.number_of(given.device)]
        client.transport.pause_reading()
        loop = asyncio.get_running_loop()
        until = loop.time() + self._patience
        await _is_out(client, until)
        while True:
            try:
                await line.give(given, client.socket.fileno())
            except OSError:
                client.held_elsewhere = True
                if loop.time() >= until or client.transport.is_closing():
                    raise
                await asyncio.sleep(_PAUSE)
                continue
            client.held_elsewhere = False
            client.let_go()
            client.transport.abort()  # closes our copy; the inspector's stays open
            return

    def number_of(self, device: Device) -> int:
        """Return which inspector a device has, counted from 0."""
        return zlib.crc32(device.id.encode()) % len(self._lines)

    def close(self) -> None:
        """Close the connections to inspectors."""
        for line in self._lines:
            line.close()


async def _is_out(client: Client, until: float) -> None:
    """Wait until what was answered is out: closing our copy would lose it. Raises ConnectionAbortedError, client cut.

    Handed over before, its next answer would stand within this one.
    """
    pause = 0.0  # what the kernel has room for is out at once
    while client.transport.get_write_buffer_size():
        if asyncio.get_running_loop().time() >= until:
            client.reset()
            raise ConnectionAbortedError("the client does not read what it was answered")
        await asyncio.sleep(pause)
        pause = _PAUSE
