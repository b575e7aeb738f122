"""Print comparisons: lines for people, or one JSON object a line for scripts. Measures nothing."""

from __future__ import annotations

import json

from benchmarks.harness import OURS, Comparison, Spread


def lines(comparison: Comparison) -> list[str]:
    """Return a comparison for people: each subject's median and range, then each ratio with both values."""
    good = "more is better" if comparison.better == "high" else "less is better"
    text = [f"{comparison.what} ({comparison.unit}, {good})"]
    width = max(map(len, (*comparison.found, *comparison.missing)), default=0)
    text += [f"  {name:<{width}}  {_range(spread)}" for name, spread in comparison.found.items()]
    text += [f"  {name:<{width}}  not measured: {why}" for name, why in comparison.missing.items()]
    text += [f"  {line}" for peer in comparison.found if (line := _against(comparison, peer))]
    return text + ([f"  note: {comparison.note}"] if comparison.note else [])


def _range(spread: Spread) -> str:
    return f"median {number(spread.median)}  ({number(spread.low)} .. {number(spread.high)}, n={len(spread.values)})"


def _against(comparison: Comparison, peer: str) -> str:
    ratio = comparison.ratio(peer) if peer != OURS else None
    if ratio is None:
        return ""
    ours, theirs = comparison.found[OURS].median, comparison.found[peer].median
    spread = f"by round {number(ratio.low)} .. {number(ratio.high)}"
    return f"{OURS} / {peer} = {number(ours)} / {number(theirs)} = {number(ours / theirs)}  ({spread})"


def number(value: float) -> str:
    """Write a number with three significant digits, and none behind the point from a hundred on."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def as_json(benchmark: str, comparison: Comparison) -> str:
    """Return a comparison as one line of JSON, every value of every round in it."""
    ratios = {peer: ratio for peer in comparison.found if peer != OURS and (ratio := comparison.ratio(peer))}
    document = {
        "benchmark": benchmark,
        "what": comparison.what,
        "unit": comparison.unit,
        "better": comparison.better,
        "subjects": {name: _numbers(spread) for name, spread in comparison.found.items()},
        "ratios": {peer: _numbers(ratio) for peer, ratio in ratios.items()},
        "missing": dict(comparison.missing),
        "note": comparison.note,
    }
    return json.dumps(document)


def _numbers(spread: Spread) -> dict[str, float | list[float]]:
    return {"median": spread.median, "low": spread.low, "high": spread.high, "values": list(spread.values)}
