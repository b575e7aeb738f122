"""Sightings: the first is reported, repeats are counted, everything is bounded and nothing shown is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from indicators.indicator import Indicator, Origin
from indicators.observation import Device, Observation
from indicators.verdict import Match, Scope, Verdict
from indicators.words import Action, Enforcement, IndicatorType, Stage
from proxy.dns import reports
from proxy.dns.reports import Listed, Sighting, Sightings
from tests.support.resolver import RecordingReporter

DAY = 5000.0  # seconds left of it
PHONE, TABLET = Device("phone", "phone"), Device("tablet", "tablet")
BLOCK = Verdict(Action.BLOCK, "listed")


class Timers:
    """Hold what is to happen later, until told to go on."""

    def __init__(self) -> None:
        self.due: list[tuple[float, Callable[[], None]]] = []

    def __call__(self, delay: float, call: Callable[[], None]) -> None:
        self.due.append((delay, call))

    def run(self) -> None:
        while self.due:
            self.due.pop(0)[1]()


@pytest.fixture
def timers() -> Timers:
    return Timers()


@pytest.fixture
def reporter() -> RecordingReporter:
    return RecordingReporter()


@pytest.fixture
def book(reporter: RecordingReporter, timers: Timers) -> Sightings:
    return Sightings(reporter, timers, lambda: DAY)


def note(
    book: Sightings, host: str = "evil.example", device: Device = PHONE, now: float = 0.0, **more: bool
) -> Sighting:
    shown = more.get("shown", False)
    book.follow(0, now)
    return book.note(Observation(Stage.DNS, device, (host,)), BLOCK, Enforcement.SINKHOLED, shown=shown)


def test_shown_is_reported_before_it_is_shown(book: Sightings, reporter: RecordingReporter) -> None:
    assert note(book, shown=True).incident == "inc-1"
    assert reporter.hosts == ["evil.example"]


def test_unshown_is_reported_within_fifty_milliseconds(
    book: Sightings, reporter: RecordingReporter, timers: Timers
) -> None:
    note(book)
    assert not reporter.reports
    assert timers.due[0][0] <= 0.05
    timers.run()
    assert reporter.hosts == ["evil.example"]


def test_shown_later_is_reported_once(book: Sightings, reporter: RecordingReporter, timers: Timers) -> None:
    note(book)
    assert note(book, shown=True).incident == "inc-1"
    timers.run()
    assert reporter.hosts == ["evil.example"]
    assert reporter.repeats == {"inc-1": 1}


def test_repeats_are_counted_within_a_second(book: Sightings, reporter: RecordingReporter, timers: Timers) -> None:
    for _ in range(1000):
        note(book)
    assert max(delay for delay, _ in timers.due) <= 1
    assert len(timers.due) == 2
    timers.run()
    assert (len(reporter.reports), reporter.repeats) == (1, {"inc-1": 999})


def test_devices_hosts_and_days_are_apart(book: Sightings, reporter: RecordingReporter) -> None:
    note(book, shown=True)
    note(book, "worse.example", shown=True)
    note(book, device=TABLET, shown=True)
    note(book, now=DAY - 0.1, shown=True)
    note(book, now=DAY, shown=True)
    note(book, now=DAY + 1, shown=True)
    assert reporter.hosts == ["evil.example", "worse.example", "evil.example", "evil.example"]


def test_at_a_new_epoch_it_may_be_another_indicator(
    book: Sightings, reporter: RecordingReporter, timers: Timers
) -> None:
    first = note(book)
    book.follow(1, 1.0)
    second = book.note(Observation(Stage.DNS, PHONE, ("evil.example",)), BLOCK, Enforcement.SINKHOLED, shown=False)
    assert second is not first
    timers.run()
    assert reporter.hosts == ["evil.example", "evil.example"]


def test_many_at_once_are_reported_in_batches(book: Sightings, reporter: RecordingReporter, timers: Timers) -> None:
    for number in range(1600):
        note(book, f"n{number}.example")
    timers.due.pop(0)[1]()
    assert 0 < len(reporter.reports) < 1600
    timers.run()
    assert len(reporter.reports) == 1600


def test_what_waits_is_bounded(
    book: Sightings, reporter: RecordingReporter, timers: Timers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "MAX_WAITING", 10)
    monkeypatch.setattr(reports, "BATCH", 4)
    for number in range(30):
        note(book, f"n{number}.example")
    assert len(reporter.reports) == 20
    timers.run()
    assert sorted(reporter.hosts) == sorted(f"n{number}.example" for number in range(30))


def test_what_is_remembered_is_bounded(
    book: Sightings, reporter: RecordingReporter, timers: Timers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "MAX_SIGHTINGS", 2)
    for number in (0, 1, 2, 0, 3, 4, 0):
        note(book, f"n{number}.example", shown=True)
        assert len(book) <= 4
    assert reporter.hosts == [f"n{number}.example" for number in (0, 1, 2, 3, 4, 0)]


LISTED = Indicator("evil.example", IndicatorType.DOMAIN, Action.BLOCK, Origin("a-feed", False, line=3))
ON_FEED = Verdict(
    Action.BLOCK, "evil.example is blocked by the feed a-feed (Custom indicator)",
    (Match(LISTED, "evil.example", Scope.EXACT_HOST, 2, Action.BLOCK),), alert=True,
)  # fmt: skip


def test_those_alike_are_reported_in_one_go_with_their_own_names(
    book: Sightings, reporter: RecordingReporter, timers: Timers
) -> None:
    form = reporter.form(Observation(Stage.DNS, PHONE, ("evil.example",)), ON_FEED, Enforcement.SINKHOLED)
    assert form is not None
    book.follow(0, 0.0)
    for host in ("www.worse.example", "mail.worse.example", "www.worse.example"):
        listed = Listed(form, (0,), host, (len("worse.example"), 8))
        book.note_listed((PHONE.id, host, Action.BLOCK, Enforcement.SINKHOLED), listed, shown=False)
    note(book, "mail.worse.example")  # asked the long way: the same sighting
    timers.run()
    assert [(event.host, event.matches[0].indicator, event.matches[0].line) for event in reporter.alike] == [
        ("www.worse.example", "worse.example", 8),
        ("mail.worse.example", "worse.example", 8),
    ]
    assert (reporter.reports, reporter.repeats) == ([], {"inc-1": 1, "inc-2": 1})
    reporter.fails = True
    failing = book.note_listed(
        (PHONE.id, "x.example", Action.BLOCK, Enforcement.SINKHOLED),
        Listed(form, (0,), "x.example", (9, 1)),
        shown=True,
    )
    assert failing.incident == ""


def test_closing_tells_everything(book: Sightings, reporter: RecordingReporter) -> None:
    note(book)
    note(book)
    book.close()
    assert (reporter.hosts, reporter.repeats) == (["evil.example"], {"inc-1": 1})


def test_a_reporter_that_raises_stops_nothing(book: Sightings, reporter: RecordingReporter, timers: Timers) -> None:
    reporter.fails = True
    assert note(book, shown=True).incident == ""
    note(book)
    timers.run()
    reporter.fails = False
    good = note(book, "worse.example", shown=True)
    reporter.fails = True
    good.again()
    timers.run()
    assert reporter.repeats == {}


def test_counts_of_many_are_told_a_few_at_a_time(
    book: Sightings, reporter: RecordingReporter, timers: Timers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "MAX_COUNTED", 2)
    for _ in range(3):
        for number in range(5):
            note(book, f"n{number}.example", shown=True)
    [(_, tell)] = timers.due
    timers.due.clear()
    tell()
    assert len(reporter.repeats) == 2
    assert timers.due[0][0] >= 0.05, "told without a pause, the counts of many names leave no time to answer"
    note(book, "n4.example")  # still waiting: it adds up
    timers.run()
    assert sorted(reporter.repeats.values()) == [2, 2, 2, 2, 3]


def test_closing_tells_all_counts(
    book: Sightings, reporter: RecordingReporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "MAX_COUNTED", 1)
    for _ in range(2):
        for number in range(4):
            note(book, f"n{number}.example", shown=True)
    book.close()
    assert list(reporter.repeats.values()) == [1, 1, 1, 1]
