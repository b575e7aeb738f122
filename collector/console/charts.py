"""Geometry of the charts that templates draw as inline SVG. Numbers in, numbers out; no markup is made here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from collector.arrival import MEASURES, hour_of

WIDTH = 720
HEIGHT = 120
_GAP = 4


@dataclass(frozen=True, slots=True)
class Part:
    """One coloured piece of a bar."""

    measure: str
    y: float
    height: float
    count: int


@dataclass(frozen=True, slots=True)
class Bar:
    """One hour. `total` counts everything but allowed connections."""

    hour: datetime
    x: float
    width: float
    total: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars for the last hours, the oldest first. `top` is the count that the full height stands for."""

    bars: tuple[Bar, ...]
    top: int
    total: int
    width: int = WIDTH
    height: int = HEIGHT


def chart_of(hours: Mapping[datetime, Mapping[str, int]], now: datetime, span: int = 24) -> Chart:
    """Lay out the counts of the last `span` hours; an hour without any keeps its place."""
    starts = [hour_of(now) - timedelta(hours=back) for back in reversed(range(span))]
    totals = [sum(hours.get(start, {}).get(measure, 0) for measure in MEASURES) for start in starts]
    top = max(*totals, 1)
    step = WIDTH / span
    bars = tuple(
        Bar(start, round(i * step + _GAP / 2, 2), round(step - _GAP, 2), total, _parts(hours.get(start, {}), top))
        for i, (start, total) in enumerate(zip(starts, totals, strict=True))
    )
    return Chart(bars, top, sum(totals))


def _parts(counts: Mapping[str, int], top: int) -> tuple[Part, ...]:
    """Stack an hour's counts from the ground up; the least count is still a visible line."""
    parts: list[Part] = []
    ground = float(HEIGHT)
    for measure in MEASURES:
        if count := counts.get(measure, 0):
            height = max(count / top * HEIGHT, 2.0)
            ground -= height
            parts.append(Part(measure, round(max(ground, 0.0), 2), round(height, 2), count))
    return tuple(parts)
