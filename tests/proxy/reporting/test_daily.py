"""What is noted of devices: told at once and then seldom, by day, bounded; hosts as hashes alone, signs by kind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from indicators.event import EventKind, VerdictEvent
from indicators.keyed_hash import keyed_hash
from indicators.verdict import CLEAN
from indicators.words import Enforcement
from proxy.reporting import daily
from proxy.reporting.daily import DailyCounts
from proxy.reporting.hiding import Hider
from proxy.reporting.reporter import SpoolReporter
from proxy.reporting.spool import Spool
from tests.proxy.reporting.samples import DEVICE, NOW, blocked, seen
from tests.proxy.reporting.test_reporter import Clock, kinds, spooled

KEY = b"k" * 32


def due(hosts: DailyCounts[str], minutes: float = 0, limit: int = 100) -> list[tuple[str, int]]:
    return [(met.what, met.count) for met in hosts.due(NOW + timedelta(minutes=minutes), limit)]


def test_a_host_is_told_at_once_and_then_every_quarter_of_an_hour() -> None:
    hosts = DailyCounts[str]()
    hosts.note(DEVICE, ["a.example"], NOW)
    hosts.note(DEVICE, ["a.example", "b.example"], NOW)
    assert due(hosts) == [("a.example", 2), ("b.example", 1)]
    for _ in range(3):
        hosts.note(DEVICE, ["a.example"], NOW + timedelta(minutes=1))
    assert due(hosts, 14) == []
    assert due(hosts, 15) == [("a.example", 3)]
    assert due(hosts, 600) == []


def test_a_new_day_tells_anew_at_once() -> None:
    hosts = DailyCounts[str]()
    hosts.note(DEVICE, ["a.example"], NOW)
    assert len(due(hosts)) == 1
    hosts.note(DEVICE, ["a.example"], NOW + timedelta(days=1))
    assert due(hosts, 24 * 60) == [("a.example", 1)]


def test_what_waits_and_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daily, "MOST", 3)
    monkeypatch.setattr(daily, "_REMEMBERED", 1)
    hosts = DailyCounts[str]()
    hosts.note(DEVICE, [f"{number}.example" for number in range(5)], NOW)
    assert hosts.lost == 2
    assert due(hosts, limit=2) == [("0.example", 1), ("1.example", 1)]
    assert due(hosts, limit=2) == [("2.example", 1)]
    hosts.note(DEVICE, ["0.example"], NOW)  # forgotten meanwhile
    assert due(hosts) == [("0.example", 1)]


clock = Clock()


@pytest.fixture
def reporter(tmp_path: Path) -> Iterator[SpoolReporter]:
    clock.now = NOW
    made = SpoolReporter(tmp_path, "front", "gateway-1", clock, host_hashes=Hider(KEY).host)
    yield made
    made.close()


def sightings(folder: Path) -> list[VerdictEvent]:
    return kinds(folder, EventKind.SIGHTING)


def test_a_sighting_holds_keyed_hashes_of_suffixes_and_no_name(reporter: SpoolReporter, tmp_path: Path) -> None:
    assert reporter.report(seen(), CLEAN, Enforcement.PASSED) == ""
    reporter.let_through(DEVICE, ["login.evil.co.uk"])
    assert sightings(tmp_path) == []  # off the way of the connection
    reporter.flush()
    (event,) = sightings(tmp_path)
    suffixes = ("login.evil.co.uk", "evil.co.uk")
    assert event.host == ".".join(keyed_hash(KEY, name) for name in suffixes)
    assert (event.device, event.count, event.hidden, event.url, event.addresses) == (DEVICE, 2, True, "", ())
    assert not any(b"evil" in path.read_bytes() for path in tmp_path.iterdir())


def test_what_is_stopped_is_no_sighting(reporter: SpoolReporter, tmp_path: Path) -> None:
    reporter.report(seen(), blocked(), Enforcement.PAGE)
    reporter.flush()
    assert sightings(tmp_path) == []


def test_what_waits_is_told_when_the_process_ends(tmp_path: Path) -> None:
    clock.now = NOW
    reporter = SpoolReporter(tmp_path, "front", "gateway-1", clock, host_hashes=Hider(KEY).host)
    for _ in range(2):
        reporter.let_through(DEVICE, ["a.example"])
        reporter.flush()
    assert len(sightings(tmp_path)) == 1
    reporter.close()
    assert [event.count for event in sightings(tmp_path)] == [1, 1]


def test_a_full_disk_loses_sightings_and_says_so(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "front", segment_size=4096, max_folder=3 * 4096)
    reporter = SpoolReporter(tmp_path, "front", "gateway-1", clock, spool=spool, host_hashes=Hider(KEY).host)
    reporter.let_through(DEVICE, [f"h{number}.example" for number in range(60)])
    reporter.flush()
    assert 0 < len(sightings(tmp_path)) < 60
    assert reporter.losses.notes == 60 - len(sightings(tmp_path))
    reporter.close()


def signs(folder: Path) -> list[tuple[str, str, int]]:
    return [(sign.kind, sign.value, sign.count) for event in kinds(folder, EventKind.DEVICE) for sign in event.signs]


@pytest.mark.parametrize(("hides", "store"), [(False, "palera1n"), (True, "")])
def test_signs_of_a_jailbreak_name_the_store_where_destinations_may_be_told(
    tmp_path: Path, hides: bool, store: str
) -> None:
    clock.now = NOW
    reporter = SpoolReporter(tmp_path, "front", "gateway-1", clock, hide=Hider(KEY).hide if hides else None)
    for _ in range(2):
        reporter.let_through(DEVICE, ["repo.palera.in"])
    reporter.report(seen("strap.palera.in"), CLEAN, Enforcement.PASSED)
    reporter.let_through(DEVICE, ["connectivitycheck.gstatic.com"])
    reporter.flush()
    assert signs(tmp_path) == [
        ("jailbreak-name", store, 2),
        ("jailbreak-connection", store, 1),
        ("captive-check", "Android", 1),
    ]
    assert not any(b"palera.in" in path.read_bytes() for path in tmp_path.iterdir())
    reporter.close()


def test_without_the_policy_nothing_is_kept(tmp_path: Path) -> None:
    reporter = SpoolReporter(tmp_path, "front", "gateway-1", clock)
    reporter.let_through(DEVICE, ["a.example"])
    reporter.close()
    assert spooled(tmp_path) == []
