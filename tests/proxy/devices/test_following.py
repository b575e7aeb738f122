"""Connections of devices that are gone end when the registry changes, and the supervisor hears of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from indicators.observation import Device
from indicators.words import IdentifiedBy
from proxy.control import ControlError
from proxy.devices import DeviceDirectory
from proxy.devices.following import SEEN, follow
from proxy.devices.published import PublishedRegistry
from proxy.devices.store import DeviceStore
from tests.support.gateway import wait_for


class Supervisor:
    """Note what is told; fail as often as `failures` says."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.failures = 0

    async def call(self, op: str, **fields: str) -> object:
        assert op == SEEN
        if self.failures:
            self.failures -= 1
            raise ControlError("not now")
        self.told.append(fields["stamp"])
        return {}


async def test_who_is_revoked_is_ended_once_and_who_is_known_by_address_never(tmp_path: Path) -> None:
    store = DeviceStore(tmp_path / "devices.json", bytes(32), lambda: datetime(2026, 1, 1, tzinfo=UTC))
    record, _ = store.add("phone")
    phone = Device(record.id, "phone", identified_by=IdentifiedBy.WIREGUARD)
    open_now = [phone, Device("weak", "10.0.0.7", identified_by=IdentifiedBy.ADDRESS)]
    ended: list[str] = []

    def end(gone: Callable[[Device], bool]) -> int:
        found = [device for device in open_now if gone(device)]
        for device in found:
            open_now.remove(device)
            ended.append(device.id)
        return len(found)

    supervisor = Supervisor()
    directory = DeviceDirectory("i", PublishedRegistry(tmp_path / "devices.json"), bytes(32))
    following = asyncio.create_task(follow(directory, end, supervisor))
    await wait_for(lambda: supervisor.told == [store.stamp])
    assert ended == []
    supervisor.failures = 1
    store.revoke("phone")
    await wait_for(lambda: supervisor.told[-1] == store.stamp)
    assert ended == [record.id]
    assert len(supervisor.told) == 2
    following.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await following


def test_without_a_registry_everybody_is_known() -> None:
    directory = DeviceDirectory("i")
    assert directory.knows(Device("x", "x", identified_by=IdentifiedBy.TOKEN))
    assert (directory.stamp, directory.changes) == ("", 0)
