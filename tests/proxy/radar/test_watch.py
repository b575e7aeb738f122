"""Signs counted in bounded memory and read again: by hour, with examples, whole or not at all."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from indicators.coverage import Sign
from indicators.observation import Device
from proxy.radar import watch as module
from proxy.radar.gathering import read_signs
from proxy.radar.watch import Watch

PHONE = Device("phone", "Anna's phone")


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def written(watch: Watch) -> None:
    """Let `run` write what there is, as it does when it is cancelled."""
    running = asyncio.create_task(watch.run())
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait({running})


async def test_what_two_processes_count_is_one_device(tmp_path: Path, clock: Clock) -> None:
    front, dns = Watch(tmp_path / "radar", "front", clock), Watch(tmp_path / "radar", "resolver", clock)
    for _ in range(3):
        front.connection(PHONE)
    front.sign(PHONE, Sign.MISMATCH, "a.example")
    dns.sign(PHONE, Sign.OTHER_DNS, "dns.google")
    clock.now += timedelta(minutes=1)
    dns.dns(PHONE)
    dns.sign(PHONE, Sign.OTHER_DNS, "dns.google")
    await written(front)
    await written(dns)
    known = read_signs(tmp_path / "radar", clock.now)["phone"]
    assert known.name == "Anna's phone"
    assert known.seen.counts == {Sign.CONNECTION: 3, Sign.MISMATCH: 1, Sign.OTHER_DNS: 2}
    assert known.seen.examples == {Sign.MISMATCH: ("a.example",), Sign.OTHER_DNS: ("dns.google",)}
    assert (known.seen.dns, known.seen.connection) == (clock.now, clock.now - timedelta(minutes=1))


async def test_only_this_hour_and_the_one_before_count(tmp_path: Path, clock: Clock) -> None:
    watch = Watch(tmp_path, "front", clock)
    for _ in range(4):
        watch.sign(PHONE, Sign.ECH)
        watch.connection(PHONE)
        clock.now += timedelta(hours=1)
    await written(watch)
    assert [len(each["hours"]) for each in json.loads((tmp_path / "front.json").read_text())["devices"].values()] == [2]
    assert read_signs(tmp_path, clock.now)["phone"].seen.counts == {Sign.ECH: 1, Sign.CONNECTION: 1}
    assert read_signs(tmp_path, clock.now + timedelta(hours=2))["phone"].seen.counts == {}
    assert read_signs(tmp_path, clock.now + timedelta(days=8)) == {}


async def test_memory_is_bounded(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_DEVICES", 3)
    watch = Watch(tmp_path, "front", clock)
    for number in (0, 1, 2, 0, 3):
        watch.connection(Device(str(number), "x"))
    for number in range(9):
        watch.sign(Device("3", "x"), Sign.MISMATCH, f"{number}{'x' * 300}")
    await written(watch)
    found = read_signs(tmp_path, clock.now)
    assert set(found) == {"2", "0", "3"}  # the one longest unseen gave way
    examples = found["3"].seen.examples[Sign.MISMATCH]
    assert [example[:1] for example in examples] == ["5", "6", "7", "8"]
    assert {len(example) for example in examples} == {255}


async def test_it_writes_now_and_then_and_only_what_has_changed(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WRITE_EVERY", 0.01)
    watch = Watch(tmp_path, "front", clock)
    running = asyncio.create_task(watch.run())
    file = tmp_path / "front.json"
    try:
        watch.dns(PHONE)
        async with asyncio.timeout(10):
            while not file.exists():
                await asyncio.sleep(0.01)
    finally:
        running.cancel()
        await asyncio.wait({running})
    assert file.stat().st_mode & 0o777 == 0o600
    file.unlink()
    await written(watch)
    assert not file.exists()


async def test_a_folder_that_cannot_be_written_is_said_once_more(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "radar").write_text("no folder")
    watch = Watch(tmp_path / "radar", "front", clock)
    watch.dns(PHONE)
    await written(watch)
    assert "signs of devices cannot be written" in caplog.text


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"devices": 3}', '{"devices": {"a": 3, "b": {"hours": {}}}}'])
def test_a_damaged_file_counts_as_nothing(tmp_path: Path, clock: Clock, text: str) -> None:
    (tmp_path / "front.json").write_text(text)
    assert read_signs(tmp_path, clock.now) == {}


def test_no_folder_is_no_sign(tmp_path: Path, clock: Clock) -> None:
    assert read_signs(tmp_path / "none", clock.now) == {}


async def test_the_time_is_told_to_the_second_also_when_the_clock_is_set_back(tmp_path: Path, clock: Clock) -> None:
    watch = Watch(tmp_path / "radar", "front", clock)
    clock.now += timedelta(milliseconds=700)
    for step in (0.0, 0.2, 0.2, 60.0, -3600.0):
        clock.now += timedelta(seconds=step)
        watch.connection(PHONE)
        await written(watch)
        kept = json.loads((tmp_path / "radar" / "front.json").read_text())["devices"]["phone"]
        assert datetime.fromisoformat(kept["connection"]) == clock.now.replace(microsecond=0)
