"""Slots of the week: past midnight, on weekdays, where clocks change, and when the next edge comes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indicators.schedules import DAYS, Schedule, Slot, moment, read_time

BERLIN = ZoneInfo("Europe/Berlin")
UTC_ZONE = ZoneInfo("UTC")
ZONES = [UTC_ZONE, BERLIN, ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Pacific/Apia")]
SCHOOL_NIGHTS = Slot.of("21:00", "06:30", ("sun", "mon", "tue", "wed", "thu"))
NOON = Slot.of("12:00", "13:00")


@pytest.mark.parametrize(
    ("when", "on"),
    [
        ("2026-03-02T20:59", False),  # Monday
        ("2026-03-02T21:00", True),
        ("2026-03-03T00:00", True),
        ("2026-03-03T06:29", True),
        ("2026-03-03T06:30", False),
        ("2026-03-02T12:00", True),
        ("2026-03-02T13:00", False),
        ("2026-03-06T22:00", False),  # Friday is not named
        ("2026-03-07T03:00", False),  # so the night after it is free, though Saturday's is too
        ("2026-03-08T21:30", True),  # Sunday
        ("2026-03-09T05:00", True),  # belongs to Sunday
        ("2026-03-06T06:00", True),  # belongs to Thursday
    ],
)
def test_slots_of_the_week(when: str, on: bool) -> None:
    schedule = Schedule("nights", (SCHOOL_NIGHTS, NOON), BERLIN)
    assert schedule.is_on(datetime.fromisoformat(when).replace(tzinfo=BERLIN)) is on


@pytest.mark.parametrize(
    ("day", "shown", "at"),
    [
        ("2026-03-29", "01:59", "2026-03-29T00:59Z"),
        ("2026-03-29", "02:00", "2026-03-29T01:00Z"),  # never shown: the clock jumps from 02:00 to 03:00
        ("2026-03-29", "02:30", "2026-03-29T01:00Z"),
        ("2026-03-29", "03:00", "2026-03-29T01:00Z"),
        ("2026-10-25", "02:30", "2026-10-25T00:30Z"),  # shown twice: the first time
        ("2026-10-25", "03:00", "2026-10-25T02:00Z"),
    ],
)
def test_a_time_of_day_where_clocks_change(day: str, shown: str, at: str) -> None:
    assert moment(date.fromisoformat(day), read_time(shown), BERLIN) == datetime.fromisoformat(at)


def test_a_night_is_an_hour_shorter_or_longer_where_clocks_change() -> None:
    slot = Slot.of("21:00", "07:00")
    lengths = {}
    for day in ("2026-03-28", "2026-06-01", "2026-10-24"):
        start, end = slot.spans(date.fromisoformat(day), BERLIN)
        lengths[day] = (end - start) / timedelta(hours=1)
    assert lengths == {"2026-03-28": 9.0, "2026-06-01": 10.0, "2026-10-24": 11.0}


def test_a_slot_that_the_clocks_leave_empty_is_none() -> None:
    schedule = Schedule("gap", (Slot.of("02:10", "02:50", ("sun",)),), BERLIN)
    assert not any(schedule.is_on(datetime(2026, 3, 29, hour, 59, tzinfo=UTC)) for hour in range(24))


def test_when_it_ends() -> None:
    at = datetime(2026, 3, 2, 22, tzinfo=BERLIN)
    assert Schedule("n", (SCHOOL_NIGHTS,), BERLIN).ends(at) == datetime(2026, 3, 3, 6, 30, tzinfo=BERLIN)
    joined = (Slot.of("21:00", "24:00"), Slot.of("00:00", "06:30"))
    assert Schedule("n", joined, BERLIN).ends(at) == datetime(2026, 3, 3, 6, 30, tzinfo=BERLIN)
    assert Schedule("n", (NOON,), BERLIN).ends(at) is None
    assert Schedule("always", (Slot.of("00:00", "24:00"),), BERLIN).ends(at) is None
    assert Schedule("never", (), BERLIN).next_edge(at) is None


@pytest.mark.parametrize(
    "text", ["", "21", "21:0", "24:01", "25:00", "12:60", "-1:00", "9:300", "a:00", "٢:00", "12-00"]
)
def test_what_is_no_time_of_day(text: str) -> None:
    with pytest.raises(ValueError, match="time of day"):
        read_time(text)


times = st.times().map(lambda each: each.replace(microsecond=0, second=0, tzinfo=None))
slots = st.builds(Slot, times, times, st.frozensets(st.integers(0, 6), min_size=1))
moments = st.datetimes(datetime(2011, 12, 20), datetime(2027, 12, 31)).map(lambda each: each.replace(tzinfo=UTC))


@given(st.lists(slots, min_size=1, max_size=3), st.sampled_from(ZONES), moments)
def test_nothing_changes_before_the_next_edge(found: list[Slot], zone: ZoneInfo, now: datetime) -> None:
    """Until the next edge the schedule stays on or off, and what holds now is what its slots' spans say."""
    schedule = Schedule("any", tuple(found), zone)
    edge = schedule.next_edge(now)
    assert edge is not None
    assert edge > now
    assert schedule.is_on(now) == schedule.is_on(now + (edge - now) / 2) == schedule.is_on(edge - timedelta(seconds=1))
    ends = schedule.ends(now)
    if ends is not None:
        assert schedule.is_on(now)
        assert not schedule.is_on(ends)


@given(slots, moments)
def test_without_changing_clocks_it_is_what_the_wall_shows(slot: Slot, now: datetime) -> None:
    """In UTC a slot runs where time of day and weekday say so, its part past midnight by the day before."""
    shown, day = now.time(), now.weekday()
    today, before = day in slot.days, (day - 1) % 7 in slot.days
    if slot.start < slot.end:
        expected = today and slot.start <= shown < slot.end
    else:
        expected = (today and shown >= slot.start) or (before and shown < slot.end)
    assert Schedule("any", (slot,)).is_on(now) is expected


@given(st.dates(date(2011, 1, 1), date(2027, 12, 31)), times, st.sampled_from(ZONES))
def test_a_time_of_day_is_where_the_clock_first_shows_it_or_more(day: date, shown: time, zone: ZoneInfo) -> None:
    """At the moment found the clock shows that time or, across a jump, more; a second before it shows less."""
    at, wanted = moment(day, shown, zone), datetime.combine(day, shown)
    assert at.astimezone(zone).replace(tzinfo=None) >= wanted
    assert (at - timedelta(seconds=1)).astimezone(zone).replace(tzinfo=None) < wanted


def test_the_days_begin_with_monday() -> None:
    assert DAYS[datetime(2026, 3, 2, tzinfo=UTC).weekday()] == "mon"
