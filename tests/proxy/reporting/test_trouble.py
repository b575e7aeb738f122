"""A disk that is really full, clocks that jump, and a collector that is away for a day: no first sighting is lost."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from indicators.words import Enforcement
from proxy.reporting.delivery import Delivery
from proxy.reporting.outcome import Retry
from proxy.reporting.reporter import SpoolReporter
from proxy.reporting.spool import Spool
from tests.proxy.reporting.samples import DEVICE, NOW, Recorder, blocked, seen


class Clock:
    """A clock that is set by hand, also backwards."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def counted(collector: Recorder) -> Counter[str]:
    found: Counter[str] = Counter()
    for event in collector.of_kind("repeat"):
        found[str(event["incident"])] += int(str(event["count"]))
    return found


async def deliver_all(folder: Path, collector: Recorder) -> None:
    delivery = Delivery(folder, collector, lambda: datetime.now(UTC))
    await delivery.drain(60)
    delivery.close()


async def test_a_clock_that_jumps_loses_and_doubles_nothing(tmp_path: Path) -> None:
    clock, collector = Clock(), Recorder()
    reporter = SpoolReporter(tmp_path, "inspector", "gateway-1", clock)
    shown: list[str] = []
    for jump in (0, 86_400, -3 * 86_400, 3600, -1, 400 * 86_400, -400 * 86_400):
        clock.now += timedelta(seconds=jump)
        for number in range(5):
            shown.append(reporter.report(seen(f"h{number}.example"), blocked(), Enforcement.PAGE))
            reporter.repeat(shown[-1], 3)
        reporter.device_seen(DEVICE, "agent/1")
        reporter.flush()
    reporter.close()
    await deliver_all(tmp_path, collector)
    assert len(set(shown)) == len(shown)
    assert shown == sorted(shown)  # ids rise although the clock fell
    assert {event["id"] for event in collector.of_kind("verdict")} == set(shown)
    assert counted(collector) == dict.fromkeys(shown, 3)
    assert set(collector.times_seen.values()) == {1}


async def test_a_collector_that_is_away_for_a_day_gets_every_first_sighting_and_the_sum_of_repeats(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.reporting.delivery._FIRST_WAIT", 0.0)
    clock, collector = Clock(), Recorder(*[Retry("nobody answers")] * 20)
    spool = Spool(tmp_path, "resolver", segment_size=16 * 1024, max_folder=512 * 1024)
    reporter = SpoolReporter(tmp_path, "resolver", "gateway-1", clock, spool=spool)
    shown = [reporter.report(seen(f"h{number}.example"), blocked(), Enforcement.RESET) for number in range(50)]
    for _ in range(24 * 60):  # a flush a minute, where there are really 120
        clock.now += timedelta(minutes=1)
        for incident in shown:
            reporter.repeat(incident)
        reporter.flush()
    assert spool.tight
    assert not reporter.is_short_of_room
    late = [reporter.report(seen(f"late{number}.example"), blocked(), Enforcement.RESET) for number in range(300)]
    assert sum(path.stat().st_size for path in tmp_path.glob("*.segment")) <= 512 * 1024
    assert len(reporter._held) == 0, "all on the disk, where they outlive this process: no count took their room"
    await deliver_all(tmp_path, collector)
    spool.prepare()  # as `run` does, in its thread
    reporter.close()
    await deliver_all(tmp_path, collector)
    assert reporter.losses.sightings == reporter.losses.repeats == 0
    assert {event["id"] for event in collector.of_kind("verdict")} == {*shown, *late}
    assert counted(collector) == dict.fromkeys(shown, 24 * 60)


@pytest.fixture
def small_disk(tmp_path: Path, needs_root: None) -> Iterator[Path]:
    """A file system of 1 MiB that is gone afterwards."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def needs_root(require_program: Callable[..., str]) -> None:
    require_program("mount")
    if os.getuid():
        pytest.skip("mounting needs root")


@pytest.mark.heavy
async def test_a_disk_that_is_really_full_folds_repeats_and_loses_no_first_sighting(small_disk: Path) -> None:
    clock, collector = Clock(), Recorder()
    spool = Spool(small_disk, "inspector", segment_size=64 * 1024)
    monkey = pytest.MonkeyPatch()
    monkey.setattr("proxy.reporting.reporter._REMEMBERED", 1024)  # a table of counts that such a disk can hold
    reporter = SpoolReporter(small_disk, "inspector", "gateway-1", clock, spool=spool)
    monkey.undo()
    shown = []
    while not reporter.is_short_of_room:
        shown.append(reporter.report(seen(f"h{len(shown)}.example"), blocked(), Enforcement.PAGE))
    for _ in range(100):
        shown.append(reporter.report(seen(f"h{len(shown)}.example"), blocked(), Enforcement.PAGE))
        reporter.repeat(shown[0])
        reporter.flush()
    assert os.statvfs(small_disk).f_bavail * 4096 < 128 * 1024
    for _ in range(3):  # what is delivered makes room for what was held back
        await deliver_all(small_disk, collector)
        reporter.flush()
        reporter._spool.prepare()
    reporter.close()
    await deliver_all(small_disk, collector)
    assert reporter.losses.sightings == reporter.losses.repeats == 0
    assert {event["id"] for event in collector.of_kind("verdict")} == set(shown)
    assert counted(collector)[shown[0]] == 100
