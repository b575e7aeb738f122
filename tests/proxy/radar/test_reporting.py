"""Telling the collector: what has changed at once, all now and then; handshakes outlive a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from proxy.devices.record import DeviceRecord
from proxy.radar import reporting
from proxy.radar.reporting import Radar

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
PHONE = DeviceRecord("phone", "Anna's phone", NOW, peer_key="key")


@dataclass
class Around:
    """All that a radar looks at and tells."""

    folder: Path
    now: datetime = NOW
    records: list[DeviceRecord] = field(default_factory=lambda: [PHONE])
    handshake: datetime | None = NOW
    trouble: str = ""
    told: list[list[tuple[str, int]]] = field(default_factory=list)

    async def traffic(self) -> Mapping[str, Mapping[str, Any]]:
        return {"key": {"handshake": self.handshake.isoformat() if self.handshake else None}}

    async def tell(self, reports: Sequence[Mapping[str, Any]]) -> str:
        self.told.append([(each["device"], each["score"]) for each in reports])
        return self.trouble

    def radar(self) -> Radar:
        return Radar(self.folder, lambda: self.records, lambda: (), self.traffic, self.tell, lambda: self.now)


@pytest.fixture
def around(tmp_path: Path) -> Around:
    return Around(tmp_path / "radar")


async def test_a_change_is_told_once(around: Around) -> None:
    radar = around.radar()
    await radar.look()
    await radar.look()
    assert around.told == [[("phone", 100)]]
    around.now += timedelta(hours=13)
    await radar.look()
    await radar.look()
    assert around.told == [[("phone", 100)], [("phone", 40)]]
    await radar.look(everything=True)
    assert around.told[2:] == [[("phone", 40)]]


async def test_what_was_not_taken_is_told_again(around: Around) -> None:
    radar, around.trouble = around.radar(), "unreachable"
    await radar.look()
    around.trouble = ""
    await radar.look()
    await radar.look()
    assert around.told == [[("phone", 100)]] * 2


async def test_a_handshake_outlives_a_tunnel_that_was_started_anew(around: Around) -> None:
    await around.radar().look()
    around.handshake, around.now = None, NOW + timedelta(hours=13)
    [found] = await around.radar().coverage()
    assert (found["last_handshake"], found["protected"]) == (NOW.isoformat(), False)
    around.records = []
    assert await around.radar().coverage() == []


async def test_many_devices_are_told_in_parts(around: Around, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporting, "_AT_ONCE", 2)
    around.records = [DeviceRecord(str(number), "x", NOW, peer_key=str(number)) for number in range(5)]
    await around.radar().look()
    assert [len(part) for part in around.told] == [2, 2, 1]


async def test_it_runs_until_cancelled(around: Around, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporting, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(reporting, "_TELL_EVERY", 2)
    running = asyncio.create_task(around.radar().run())
    async with asyncio.timeout(10):
        while len(around.told) < 3:
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.wait({running})
    assert running.cancelled()


async def test_a_folder_that_cannot_be_written_stops_nothing(around: Around) -> None:
    around.folder.write_text("no folder")
    radar = around.radar()
    assert [each["score"] for each in await radar.coverage()] == [100]
