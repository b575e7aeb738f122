"""Times are held to what can be; hidden events keep no name; every verdict has one heading."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from collector.arrival import MEASURES, conceal, hour_of, measure_of, plausible
from indicators.words import Action, Enforcement
from tests.support.events import TIME, verdict

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DAYS_90 = timedelta(days=90)


def test_conceal_leaves_open_events_alone():
    assert conceal(verdict()) == verdict()


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (TIME, TIME),
        (NOW + timedelta(days=400), NOW),
        (datetime(1970, 1, 1, tzinfo=UTC), NOW - DAYS_90),
    ],
)
def test_a_clock_that_jumped_is_held_to_the_retention(time, expected):
    assert plausible(time, NOW, DAYS_90) == expected


@pytest.mark.parametrize(
    ("action", "enforcement", "measure"),
    [
        (Action.BLOCK, Enforcement.PAGE, "blocked"),
        (Action.BLOCK, Enforcement.SINKHOLED, "blocked"),
        (Action.WARN, Enforcement.PAGE, "warned"),
        (Action.WARN, Enforcement.WAIVED, "overridden"),
        (Action.BLOCK, Enforcement.PASSED, "recorded"),
        (Action.AUDIT, Enforcement.PASSED, "recorded"),
    ],
)
def test_measures(action, enforcement, measure):
    assert measure_of(verdict(action=action, enforcement=enforcement)) == measure
    assert measure in MEASURES


def test_hours_begin_at_their_start():
    assert hour_of(TIME) == TIME.replace(minute=0)
