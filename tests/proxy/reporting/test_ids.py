from __future__ import annotations

import re
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from proxy.reporting.ids import IdSource


@given(st.lists(st.datetimes(datetime(2020, 1, 1), datetime(2200, 1, 1)), min_size=2, max_size=50))
def test_ids_rise_and_differ_whatever_the_clock_does(times: list[datetime]) -> None:
    """Invariant: ids of one source are 26 Crockford characters, distinct and in ascending order."""
    clock = iter(times)
    source = IdSource(lambda: next(clock).replace(tzinfo=UTC))
    made = [source.next() for _ in times]
    assert made == sorted(set(made))
    assert all(re.fullmatch("[0-7][0-9A-HJKMNP-TV-Z]{25}", each) for each in made)


def test_an_id_begins_with_its_time() -> None:
    early, late = (IdSource(lambda year=year: datetime(year, 1, 1, tzinfo=UTC)).next() for year in (2026, 2027))
    assert early[:10] < late[:10]


def test_two_sources_do_not_meet() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert IdSource(lambda: now).next() != IdSource(lambda: now).next()


def test_a_burst_of_one_moment_is_distinct_and_ascending() -> None:
    source = IdSource(lambda: datetime(2026, 1, 1, tzinfo=UTC))
    made = [source.next(), *source.many(datetime(2026, 1, 1, tzinfo=UTC), 5000), source.next()]
    assert made == sorted(set(made))
    assert {each[:10] for each in made} == {made[0][:10]}
