"""End the connections of devices that are no longer known, as soon as the registry says so, and tell the supervisor.

Whoever has connections runs this: new ones are refused by the registry itself, open ones would go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

import structlog

from indicators.observation import Device
from proxy.control import ControlError
from proxy.devices.directory import DeviceDirectory

LOOK = 0.25  # seconds between looks; each is one stat
SEEN = "devices_seen"  # the operation by which the supervisor is told

log = structlog.get_logger("devices")


class Control(Protocol):
    """Speak to the supervisor."""

    async def call(self, op: str, **fields: str) -> object:
        """Ask for an operation. Raises ControlError."""
        ...


async def follow(directory: DeviceDirectory, end: Callable[[Callable[[Device], bool]], int], control: Control) -> None:
    """Have `end` cut the connections of devices that are gone, at each change of the registry, until cancelled."""
    told = None
    while True:
        stamp = directory.stamp
        if stamp != told:
            ended = end(lambda device: not directory.knows(device))
            if ended:
                log.info("connections ended of devices that are no longer known", count=ended)
            try:
                await control.call(SEEN, stamp=stamp)
                told = stamp
            except ControlError as error:
                log.debug("the supervisor could not be told", reason=str(error))
        await asyncio.sleep(LOOK)
