"""Geometry of the charts that templates draw as inline SVG. Numbers in, numbers out; no markup is made here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from collector.arrival import MEASURES, hour_of

WIDTH = 720
HEIGHT = 120
_GAP = 4


class Span(Enum):
    """Name how far back a chart goes: bars, and hours in each."""

    DAY = ("24h", "24 hours", 24, 1)
    WEEK = ("7d", "7 days", 28, 6)
    MONTH = ("30d", "30 days", 30, 24)

    def __init__(self, key: str, words: str, bars: int, step: int) -> None:
        self.key, self.words, self.bars, self.step = key, words, bars, step

    @property
    def length(self) -> timedelta:
        """Return the whole time."""
        return timedelta(hours=self.bars * self.step)

    def first(self, now: datetime) -> datetime:
        """Return the hour with which the first bar begins; the last one holds the hour under way."""
        return hour_of(now) - timedelta(hours=self.bars * self.step - 1)

    @classmethod
    def named(cls, key: str) -> Span:
        """Return the span that an address names; a day for any other word."""
        return next((span for span in cls if span.key == key), cls.DAY)


@dataclass(frozen=True, slots=True)
class Part:
    """One coloured piece of a bar."""

    measure: str
    y: float
    height: float
    count: int


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, from `hour` on. `total` counts everything but allowed connections."""

    hour: datetime
    label: str
    x: float
    width: float
    total: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars for the last hours or days, the oldest first. `top` is the count that the full height stands for."""

    bars: tuple[Bar, ...]
    top: int
    total: int
    words: str
    width: int = WIDTH
    height: int = HEIGHT


def chart_of(found: Mapping[datetime, Mapping[str, int]], now: datetime, span: Span = Span.DAY) -> Chart:
    """Lay out the counts of a span, by hours or by bars; a bar without any keeps its place."""
    first = span.first(now)
    sums: list[defaultdict[str, int]] = [defaultdict(int) for _ in range(span.bars)]
    for start, counts in found.items():
        place = (start - first) // timedelta(hours=span.step)
        if 0 <= place < span.bars:
            for measure, count in counts.items():
                sums[place][measure] += count
    totals = [sum(counts[measure] for measure in MEASURES) for counts in sums]
    top, width = max(*totals, 1), WIDTH / span.bars
    form = "%H:%M" if span is Span.DAY else "%-d %b"
    starts = [first + timedelta(hours=span.step * i) for i in range(span.bars)]
    bars = tuple(
        Bar(
            start,
            start.strftime(form),
            round(i * width + _GAP / 2, 2),
            round(width - _GAP, 2),
            total,
            _parts(counts, top),
        )
        for i, (start, total, counts) in enumerate(zip(starts, totals, sums, strict=True))
    )
    return Chart(bars, top, sum(totals), span.words)


def _parts(counts: Mapping[str, int], top: int) -> tuple[Part, ...]:
    """Stack a bar's counts from the ground up; the least count is still a visible line."""
    parts: list[Part] = []
    ground = float(HEIGHT)
    for measure in MEASURES:
        if count := counts.get(measure, 0):
            height = max(count / top * HEIGHT, 2.0)
            ground -= height
            parts.append(Part(measure, round(max(ground, 0.0), 2), round(height, 2), count))
    return tuple(parts)
