"""Bars stand where their hours are, and as high as their counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.arrival import MEASURES
from collector.console.charts import HEIGHT, WIDTH, Span, chart_of

NOW = datetime(2026, 11, 23, 12, 34, tzinfo=UTC)
HOUR = NOW.replace(minute=0)
FIRST, SECOND = MEASURES[:2]


@pytest.mark.parametrize("span", Span)
def test_a_chart_without_counts_keeps_its_bars(span: Span) -> None:
    chart = chart_of({}, NOW, span)
    assert (len(chart.bars), chart.total, chart.top) == (span.bars, 0, 1)
    assert all(not bar.parts for bar in chart.bars)


@pytest.mark.parametrize(
    ("ago", "bar"),
    [(timedelta(0), 23), (timedelta(hours=23), 0), (timedelta(hours=24), None), (timedelta(hours=-1), None)],
    ids=["this hour", "the first", "before it", "to come"],
)
def test_a_count_stands_at_its_hour(ago: timedelta, bar: int | None) -> None:
    chart = chart_of({HOUR - ago: {FIRST: 3}}, NOW)
    assert [place for place, one in enumerate(chart.bars) if one.total] == ([] if bar is None else [bar])
    assert chart.total == (0 if bar is None else 3)


def test_hours_of_one_bar_are_added() -> None:
    chart = chart_of({HOUR: {FIRST: 1}, HOUR - timedelta(hours=5): {FIRST: 2, SECOND: 4}}, NOW, Span.WEEK)
    last = chart.bars[-1]
    assert (last.total, [(part.measure, part.count) for part in last.parts]) == (7, [(FIRST, 3), (SECOND, 4)])


def test_what_is_not_a_measure_is_not_drawn() -> None:
    assert chart_of({HOUR: {"allowed": 1000}}, NOW).total == 0


def test_a_word_that_names_no_span_is_a_day() -> None:
    assert (Span.named("30d"), Span.named("<script>")) == (Span.MONTH, Span.DAY)


@given(
    st.dictionaries(
        st.integers(0, 23).map(lambda ago: HOUR - timedelta(hours=ago)),
        st.dictionaries(st.sampled_from(MEASURES), st.integers(0, 10**9)),
    )
)
def test_nothing_is_drawn_outside(hours: dict[datetime, dict[str, int]]) -> None:
    """Every part lies within the picture and is seen, however its count compares with the others."""
    for bar in chart_of(hours, NOW).bars:
        assert 0 <= bar.x <= bar.x + bar.width <= WIDTH
        for part in bar.parts:
            assert part.count > 0
            assert part.height >= 2
            assert 0 <= part.y <= HEIGHT
