from __future__ import annotations

import asyncio
import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from indicators.event import EventKind, VerdictEvent
from indicators.event_wire import from_json
from indicators.indicator import Indicator, Origin
from indicators.observation import Device, Observation
from indicators.verdict import CLEAN, Match, Scope, Verdict
from indicators.words import Action, Enforcement, IndicatorType, Stage
from proxy.reporting import reporter as module
from proxy.reporting import segment
from proxy.reporting.form import Alike
from proxy.reporting.hiding import Hider
from proxy.reporting.reporter import SpoolReporter
from proxy.reporting.segment import read_chunk
from proxy.reporting.spool import SUFFIX, Spool
from tests.proxy.reporting.samples import DEVICE, NOW, blocked, seen


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


clock = Clock()


@pytest.fixture
def reporter(tmp_path: Path) -> Iterator[SpoolReporter]:
    clock.now = NOW
    made = SpoolReporter(tmp_path, "inspector", "gateway-1", clock)
    yield made
    made.close()


def spooled(folder: Path) -> list[VerdictEvent]:
    found: list[bytes] = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        with path.open("rb") as file:
            found += read_chunk(file.fileno(), 0, 10**9).payloads
    return [from_json(json.loads(payload)) for payload in found]


def kinds(folder: Path, kind: EventKind) -> list[VerdictEvent]:
    return [event for event in spooled(folder) if event.kind is kind]


def test_an_incident_is_in_the_spool_when_its_id_is_returned(reporter: SpoolReporter, tmp_path: Path) -> None:
    incident = reporter.report(seen(), blocked(), Enforcement.PAGE)
    (event,) = spooled(tmp_path)
    assert (event.id, event.incident, event.kind) == (incident, incident, EventKind.VERDICT)
    assert (event.gateway, event.device, event.host, event.time) == ("gateway-1", DEVICE, "login.evil.co.uk", NOW)


def test_a_plain_allow_is_counted_and_not_logged(reporter: SpoolReporter, tmp_path: Path) -> None:
    assert [reporter.report(seen(), CLEAN, Enforcement.PASSED) for _ in range(3)] == ["", "", ""]
    assert [(event.kind, event.count) for event in spooled(tmp_path)] == [(EventKind.DEVICE, 1)]
    clock.now = NOW + timedelta(minutes=1)
    reporter.flush()
    assert [event.count for event in spooled(tmp_path)] == [1, 2]


def test_repeats_are_folded_into_one_event_a_flush(reporter: SpoolReporter, tmp_path: Path) -> None:
    incident = reporter.report(seen(), blocked(), Enforcement.PAGE)
    for _ in range(10):
        reporter.repeat(incident)
    reporter.repeat(incident, 5)
    reporter.flush()
    reporter.flush()
    reporter.repeat(incident)
    reporter.flush()
    repeats = kinds(tmp_path, EventKind.REPEAT)
    assert [(event.incident, event.count, event.device) for event in repeats] == [
        (incident, 15, DEVICE),
        (incident, 1, DEVICE),
    ]
    assert len({event.id for event in repeats}) == 2


def test_an_incident_of_another_process_is_not_guessed_at(reporter: SpoolReporter, tmp_path: Path) -> None:
    reporter.repeat("unheard of", 3)
    reporter.repeat("", 3)
    reporter.flush()
    assert spooled(tmp_path) == []
    assert reporter.losses.repeats == 3


def test_a_device_is_noted(reporter: SpoolReporter, tmp_path: Path) -> None:
    reporter.device_seen(DEVICE, "Chrome")
    reporter.device_seen(DEVICE, "Chrome")
    assert [(event.kind, event.user_agent, event.count) for event in spooled(tmp_path)] == [("device", "Chrome", 0)]


def test_what_is_told_of_a_device_is_its_group_now(tmp_path: Path) -> None:
    """A connection may have begun when the rules of groups were others."""
    groups = ["kids"]
    reporter = SpoolReporter(tmp_path, "inspector", "gateway-1", clock, group_of=lambda device: groups[0])
    reporter.report(seen(), blocked(), Enforcement.PAGE)
    reporter.device_seen(DEVICE)
    reporter.report(seen(), CLEAN, Enforcement.PASSED)
    form = reporter.form(*alike_sample(), Enforcement.SINKHOLED)
    assert form is not None
    assert form.device.group == "kids"
    groups[0] = DEVICE.group
    reporter.device_seen(DEVICE)
    assert [(event.kind, event.device.group) for event in spooled(tmp_path)] == [
        (EventKind.VERDICT, "kids"),
        (EventKind.DEVICE, "kids"),
        (EventKind.DEVICE, DEVICE.group),
    ]
    reporter.close()


def test_destinations_are_hidden_before_they_reach_the_disk(tmp_path: Path) -> None:
    hiding = SpoolReporter(tmp_path, "inspector", "gateway-1", clock, Hider(b"k" * 32).hide)
    hiding.report(seen(), blocked(), Enforcement.PAGE)
    hiding.close()
    assert all(b"evil" not in path.read_bytes() for path in tmp_path.iterdir())


def test_text_that_is_no_unicode_is_delivered_all_the_same(reporter: SpoolReporter, tmp_path: Path) -> None:
    reporter.report(seen(user_agent="caf\udce9 \x00 <b>"), blocked(), Enforcement.PAGE)
    assert spooled(tmp_path)[0].user_agent == "caf? \x00 <b>"


def test_a_giant_event_keeps_its_winner(reporter: SpoolReporter, tmp_path: Path) -> None:
    verdict = blocked()
    wide = replace(verdict.matches[0].indicator, value="w" * 4000, title="t" * 4000)
    more = [Match(wide, "o" * 4000, match.scope, 1, match.action) for match in verdict.matches * 15]
    incident = reporter.report(seen(), replace(verdict, matches=(*verdict.matches, *more)), Enforcement.PAGE)
    (event,) = spooled(tmp_path)
    assert (event.incident, [match.indicator for match in event.matches]) == (incident, ["evil.co.uk"])


def test_a_full_disk_folds_repeats_and_keeps_first_sightings(tmp_path: Path) -> None:
    clock.now = NOW
    spool = Spool(tmp_path, "inspector", segment_size=4096, max_folder=4096)
    full = SpoolReporter(tmp_path, "inspector", "gateway-1", clock, spool=spool)
    incidents = [full.report(seen(), blocked(), Enforcement.PAGE)]
    spool.prepare()
    assert full.is_short_of_room
    for _ in range(20):
        full.repeat(incidents[0])
        full.flush()
        incidents.append(full.report(seen(), blocked(), Enforcement.PAGE))
    full.device_seen(DEVICE)
    on_disk = {event.incident for event in spooled(tmp_path)}
    assert on_disk < set(incidents)
    assert kinds(tmp_path, EventKind.REPEAT) == []
    assert full.losses.notes == 1
    spool._max_folder = 10**9
    spool.prepare()
    full.flush()
    assert {event.incident for event in spooled(tmp_path)} == set(incidents)
    assert [event.count for event in kinds(tmp_path, EventKind.REPEAT)] == [20]
    assert (full.losses.sightings, full.losses.repeats) == (0, 0)
    full.close()


def test_beyond_memory_the_loss_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_HELD", 3)
    spool = Spool(tmp_path, "inspector", segment_size=4096, max_folder=0)
    full = SpoolReporter(tmp_path, "inspector", "gateway-1", clock, spool=spool)
    assert all(full.report(seen(), blocked(), Enforcement.PAGE) for _ in range(5))
    assert full.losses.sightings == full.losses.total == 2
    full.close()


def test_an_event_that_cannot_be_made_is_a_counted_loss(
    reporter: SpoolReporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "of_verdict", None)
    assert reporter.report(seen(), blocked(), Enforcement.PAGE) == ""
    assert reporter.losses.sightings == 1


def test_a_repeat_that_fits_no_slot_is_a_counted_loss(reporter: SpoolReporter) -> None:
    incident = reporter.report(seen(device=Device("d" * 2000, "")), blocked(), Enforcement.PAGE)
    reporter.repeat(incident)
    assert reporter.losses.repeats == 1


def test_old_incidents_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_REMEMBERED", 2)
    made = SpoolReporter(tmp_path, "inspector", "gateway-1", clock)
    old, *_ = [made.report(seen(), blocked(), Enforcement.PAGE) for _ in range(5)]
    made.repeat(old)
    assert made.losses.repeats == 1
    made.close()


async def test_running_flushes_by_itself(
    reporter: SpoolReporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FLUSH_INTERVAL", 0.01)
    incident = reporter.report(seen(), blocked(), Enforcement.PAGE)
    reporter.repeat(incident)
    running = asyncio.create_task(reporter.run())
    async with asyncio.timeout(20):
        while not kinds(tmp_path, EventKind.REPEAT) or reporter._spool.needs_spare:
            await asyncio.sleep(0.01)
    running.cancel()


def test_closing_leaves_nothing_uncounted(tmp_path: Path) -> None:
    clock.now = NOW
    made = SpoolReporter(tmp_path, "inspector", "gateway-1", clock)
    incident = made.report(seen(), blocked(), Enforcement.PAGE)
    made.repeat(incident, 2)
    made.report(seen(), CLEAN, Enforcement.PASSED)
    made.report(seen(), CLEAN, Enforcement.PASSED)
    made.close()
    assert sum(event.count for event in kinds(tmp_path, EventKind.REPEAT)) == 2
    assert sum(event.count for event in kinds(tmp_path, EventKind.DEVICE)) == 2
    assert not list(tmp_path.glob("*.tally"))


def alike_sample(host: str = "login.evil.example", line: int = 7) -> tuple[Observation, Verdict]:
    indicator = Indicator(host, IndicatorType.DOMAIN, Action.BLOCK, Origin("a 100% feed", custom=False, line=line))
    matches = (
        Match(indicator, host, Scope.EXACT_HOST, 3, Action.BLOCK),
        Match(replace(indicator, value="evil.example"), host, Scope.PARENT_DOMAIN, 2, Action.BLOCK),
    )
    verdict = Verdict(Action.BLOCK, f"{host} is blocked by the feed a 100% feed (Malware)", matches, alert=True)
    return Observation(Stage.DNS, DEVICE, (host,)), verdict


def test_what_is_alike_is_written_as_if_it_had_been_reported_whole(reporter: SpoolReporter, tmp_path: Path) -> None:
    form = reporter.form(*alike_sample(), Enforcement.SINKHOLED)
    assert form is not None
    (incident,) = reporter.report_alike(
        [Alike(form, "shop.evil.example", ("shop.evil.example", "9", "evil.example", "9"))]
    )
    whole = reporter.report(*alike_sample("shop.evil.example", 9), Enforcement.SINKHOLED)
    one, other = spooled(tmp_path)
    assert (one.id, other.id) == (incident, whole)
    assert one == replace(other, id=incident, incident=incident)
    reporter.repeat(incident, 4)
    reporter.flush()
    assert [(event.incident, event.count, event.device) for event in kinds(tmp_path, EventKind.REPEAT)] == [
        (incident, 4, DEVICE)
    ]


def test_where_destinations_are_hidden_each_event_is_made_whole(tmp_path: Path) -> None:
    hiding = SpoolReporter(tmp_path, "resolver", "gateway-1", clock, Hider(b"k" * 32).hide)
    assert hiding.form(*alike_sample(), Enforcement.SINKHOLED) is None
    hiding.close()


def test_many_alike_fill_segment_after_segment_in_order(tmp_path: Path) -> None:
    clock.now = NOW
    made = SpoolReporter(tmp_path, "resolver", "gateway-1", clock, spool=Spool(tmp_path, "r", segment_size=16_384))
    form = made.form(*alike_sample(), Enforcement.SINKHOLED)
    assert form is not None
    hosts = [f"h{number:03}.example" for number in range(300)]
    incidents = made.report_alike([Alike(form, host, (host, "1", "example", "2")) for host in hosts])
    made.close()
    events = kinds(tmp_path, EventKind.VERDICT)
    assert [(event.host, event.incident) for event in events] == list(zip(hosts, incidents, strict=True))
    assert len(list(tmp_path.glob(f"*{SUFFIX}"))) > 5


def test_twenty_thousand_incidents_are_repeated_without_loss(tmp_path: Path) -> None:
    made = SpoolReporter(tmp_path, "resolver", "gateway-1", clock)
    form = made.form(*alike_sample(), Enforcement.SINKHOLED)
    assert form is not None
    incidents: list[str] = []
    for start in range(0, 20_000, 1000):
        names = [f"n{number}.example" for number in range(start, start + 1000)]
        incidents += made.report_alike([Alike(form, name, (name, "1", name, "1")) for name in names])
    for incident in incidents:
        made.repeat(incident, 3)
    made.close()
    assert made.losses.total == 0
    counted = {event.incident: event.count for event in kinds(tmp_path, EventKind.REPEAT)}
    assert counted == dict.fromkeys(incidents, 3)


async def test_a_disk_that_hangs_holds_nobody_up_and_what_is_lost_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MAX_HELD", 5)
    monkeypatch.setattr(module, "FLUSH_INTERVAL", 0.01)
    made = SpoolReporter(tmp_path, "resolver", "gateway-1", clock, spool=Spool(tmp_path, "r", segment_size=4096))
    answers, allocate = threading.Event(), segment._allocate

    def hang(handle: int, size: int) -> None:
        answers.wait(30)
        allocate(handle, size)

    monkeypatch.setattr(segment, "_allocate", hang)
    running = asyncio.create_task(made.run())
    await asyncio.sleep(0)
    incidents = [made.report(seen(), blocked(), Enforcement.SINKHOLED) for _ in range(40)]  # would never return
    lost = made.losses.sightings
    assert all(incidents)
    assert 0 < lost < 40
    answers.set()
    async with asyncio.timeout(10):
        while len(kinds(tmp_path, EventKind.VERDICT)) < 40 - lost:
            await asyncio.sleep(0.01)
    running.cancel()
    assert {event.incident for event in kinds(tmp_path, EventKind.VERDICT)} < set(incidents)
    made.close()


async def test_a_spool_folder_that_is_gone_is_a_counted_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_HELD", 5)
    folder = tmp_path / "spool"
    folder.mkdir()
    made = SpoolReporter(folder, "resolver", "gateway-1", clock, spool=Spool(folder, "r", segment_size=4096))
    shutil.rmtree(folder)
    assert all(made.report(seen(), blocked(), Enforcement.SINKHOLED) for _ in range(40))
    assert made.is_short_of_room
    assert made.losses.sightings > 0
    made.close()
