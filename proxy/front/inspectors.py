"""The inspectors as the front sees them: each device has one of them, and a client is handed over or it is not.

While an inspector is being started again its clients wait a moment; who is to wait no longer is the caller's to refuse.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Sequence
from pathlib import Path

from indicators.observation import Device
from proxy.front.client import Client
from proxy.hand_over import HandOver, Sender

PATIENCE = 4.0  # seconds in which an inspector that is full, or being started again, is waited for
_PAUSE = 0.02  # seconds between attempts


class Inspectors:
    """Hand clients over. All connections of a device go to the same inspector, which learns what the device trusts."""

    def __init__(self, paths: Sequence[Path], patience: float = PATIENCE) -> None:
        self._senders = [Sender(path) for path in paths]
        self._patience = patience

    async def give(self, given: HandOver, client: Client) -> None:
        """Hand a client's socket over and let go of it.

        Raises OSError when no inspector takes it in time; a client that does not read what it was answered is cut off.
        """
        sender = self._senders[self.number_of(given.device)]
        client.transport.pause_reading()
        loop = asyncio.get_running_loop()
        until = loop.time() + self._patience
        await _is_out(client, until)
        while True:
            try:
                sender.send(given, client.socket.fileno())
            except OSError:
                if loop.time() >= until or client.transport.is_closing():
                    raise
                await asyncio.sleep(_PAUSE)
                continue
            client.let_go()
            client.transport.abort()  # closes our copy; the inspector's stays open
            return

    def number_of(self, device: Device) -> int:
        """Return which inspector a device has, counted from 0."""
        return zlib.crc32(device.id.encode()) % len(self._senders)

    def close(self) -> None:
        """Close the connections to inspectors."""
        for sender in self._senders:
            sender.close()


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
