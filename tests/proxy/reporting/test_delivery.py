from __future__ import annotations

import asyncio
import json
from datetime import datetime
from pathlib import Path

import pytest

from indicators.words import Enforcement
from proxy.reporting import delivery as module
from proxy.reporting.delivery import REJECTED, Delivery
from proxy.reporting.outcome import Delivered, Outcome, Rejection, Retry, TooLarge, Unreadable
from proxy.reporting.reporter import SpoolReporter
from tests.proxy.reporting.samples import NOW, Recorder, blocked, seen


def clock() -> datetime:
    return NOW


def report(folder: Path, count: int) -> list[str]:
    reporter = SpoolReporter(folder, "inspector", "gateway-1", clock)
    ids = [reporter.report(seen(), blocked(), Enforcement.PAGE) for _ in range(count)]
    reporter.close()
    return ids


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FIRST_WAIT", 0.001)


async def test_everything_arrives_once_and_the_folder_is_tidy(tmp_path: Path) -> None:
    ids = report(tmp_path, 2500)
    collector = Recorder()
    delivery = Delivery(tmp_path, collector, clock)
    await delivery.drain(30)
    assert sorted(collector.events) == sorted(ids)
    assert set(collector.times_seen.values()) == {1}
    assert max(collector.batches) <= 1000
    assert delivery.state.delivered == 2500
    assert [path.name for path in tmp_path.iterdir()] == ["cursor.json"]
    delivery.close()


async def test_trouble_is_waited_out_and_told(tmp_path: Path) -> None:
    (incident,) = report(tmp_path, 1)
    collector = Recorder(Retry("cannot be reached"), Retry("answers 503", 0.01))
    delivery = Delivery(tmp_path, collector, clock)
    states: list[str] = []
    original = delivery._note_trouble

    def note(reason: str) -> None:
        original(reason)
        states.append(delivery.state.trouble)

    delivery._note_trouble = note  # type: ignore[method-assign]
    assert await delivery.deliver_next()
    assert states == ["cannot be reached", "answers 503"]
    assert (delivery.state.trouble, delivery.state.since) == ("", None)
    assert list(collector.events) == [incident]
    delivery.close()


@pytest.mark.parametrize(("count", "rests"), [(150, False), (250, True)])
async def test_after_a_part_of_a_backlog_the_collector_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, rests: bool
) -> None:
    report(tmp_path, count)
    slept: list[float] = []
    enough = asyncio.Event()
    original = asyncio.sleep

    async def note(seconds: float) -> None:
        slept.append(seconds)
        enough.set()
        await original(0)

    monkeypatch.setattr(module.asyncio, "sleep", note)
    delivery = Delivery(tmp_path, Recorder(), clock)
    task = asyncio.create_task(delivery.run())
    await enough.wait()
    task.cancel()
    assert delivery.state.delivered == count
    assert (slept[0] != module.POLL) is rests
    delivery.close()


async def test_a_batch_that_is_too_large_is_halved(tmp_path: Path) -> None:
    ids = report(tmp_path, 8)
    collector = Recorder(TooLarge(), TooLarge())
    delivery = Delivery(tmp_path, collector, clock)
    await delivery.drain(10)
    assert collector.batches == [8, 4, 2, 2, 4]
    assert list(collector.events) == ids
    delivery.close()


class Poisoned(Recorder):
    """Refuses any batch that holds the poison."""

    def __init__(self, poison: str) -> None:
        super().__init__()
        self.poison = poison.encode()

    async def deliver(self, payloads: object) -> Outcome:
        assert isinstance(payloads, tuple)
        if any(self.poison in payload for payload in payloads):
            return Unreadable("not JSON at all")
        return await super().deliver(payloads)


async def test_one_event_that_spoils_a_batch_is_found_and_kept_aside(tmp_path: Path) -> None:
    ids = report(tmp_path, 9)
    collector = Poisoned(ids[6])
    delivery = Delivery(tmp_path, collector, clock)
    await delivery.drain(10)
    assert set(collector.events) == set(ids) - {ids[6]}
    (line,) = (tmp_path / REJECTED).read_text().splitlines()
    assert json.loads(line)["error"] == "not JSON at all"
    assert json.loads(json.loads(line)["event"])["id"] == ids[6]
    assert (delivery.state.delivered, delivery.state.rejected) == (8, 1)
    delivery.close()


async def test_rejected_events_are_kept_with_their_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = report(tmp_path, 3)
    answers = (Delivered((Rejection(1, "device.id: expected"),)), Delivered((Rejection(0, "x"),)))
    delivery = Delivery(tmp_path, Recorder(*answers), clock)
    await delivery.deliver_next()
    (line,) = (tmp_path / REJECTED).read_text().splitlines()
    assert json.loads(json.loads(line)["event"])["id"] == ids[1]
    monkeypatch.setattr(module, "_MAX_REJECTED", 1)
    report(tmp_path, 1)
    await delivery.deliver_next()
    assert len((tmp_path / REJECTED).read_text().splitlines()) == 1
    assert delivery.state.rejected == 2
    delivery.close()


async def test_a_rejection_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    report(tmp_path, 1)
    (tmp_path / REJECTED).mkdir()
    delivery = Delivery(tmp_path, Recorder(Delivered((Rejection(0, "no"),))), clock)
    await delivery.drain(10)
    assert delivery.state.rejected == 1
    delivery.close()


async def test_a_single_event_too_large_is_rejected(tmp_path: Path) -> None:
    report(tmp_path, 1)
    delivery = Delivery(tmp_path, Recorder(TooLarge()), clock)
    await delivery.drain(10)
    assert "larger than" in (tmp_path / REJECTED).read_text()
    delivery.close()


async def test_what_is_not_delivered_in_time_waits_for_the_next_start(tmp_path: Path) -> None:
    ids = report(tmp_path, 3)
    away = Delivery(tmp_path, Recorder(*[Retry("away", 5.0)] * 3), clock)
    await away.drain(0.05)
    away.close()
    back = Recorder()
    later = Delivery(tmp_path, back, clock)
    await later.drain(10)
    assert list(back.events) == ids
    later.close()


async def test_running_follows_a_living_reporter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL", 0.01)
    collector = Recorder()
    delivery = Delivery(tmp_path, collector, clock)
    running = asyncio.create_task(delivery.run())
    reporter = SpoolReporter(tmp_path, "inspector", "gateway-1", clock)
    incident = reporter.report(seen(), blocked(), Enforcement.PAGE)
    async with asyncio.timeout(20):
        while incident not in collector.events:
            await asyncio.sleep(0.01)
    running.cancel()
    reporter.close()
    delivery.close()
