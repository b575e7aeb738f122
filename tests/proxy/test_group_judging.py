"""The classifiers of groups: made anew at a slot's edge or when the clock is set back, and not before."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from indicators.classifier import Classifier
from indicators.groups import GroupPolicy, Plan
from indicators.memory_index import MemoryIndex
from indicators.schedules import Schedule, Slot
from indicators.settings import PolicySettings
from indicators.words import Mode
from proxy.group_judging import GroupJudging

NIGHTS = Plan(Schedule("nights", (Slot.of("20:00", "06:00"),)), everything=True)
AT_NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
OTHERWISE = Classifier(MemoryIndex(), (), PolicySettings())


def judging(*policies: GroupPolicy, now: datetime = AT_NOON) -> GroupJudging:
    made = GroupJudging(policies)
    made.renew(now, MemoryIndex(), (), PolicySettings())
    return made


@pytest.mark.parametrize(("hour", "over"), [(11, True), (12, False), (19, False), (20, True), (23, True)], ids=str)
def test_until_the_next_edge(hour: int, over: bool) -> None:
    assert judging(GroupPolicy("kids", plans=(NIGHTS,))).is_over(AT_NOON.replace(hour=hour)) is over


def test_without_schedules_nothing_is_over() -> None:
    made = judging(GroupPolicy("kids", mode=Mode.AUDIT))
    assert not made.is_over(AT_NOON.replace(year=2027))
    assert not GroupJudging(()).is_over(AT_NOON)


def test_who_is_judged_otherwise() -> None:
    made = judging(GroupPolicy("kids", mode=Mode.AUDIT))
    assert ("kids" in made, "default" in made) == (True, False)
    assert made.of("default", OTHERWISE) is OTHERWISE
    assert made.of("kids", OTHERWISE) is not OTHERWISE
