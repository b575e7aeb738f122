"""Take values of several subjects in interleaved rounds, and compare them by median, spread and ratio.

Rounds are interleaved (A B C, A B C, …), so that a machine that gets slower in between slows all alike; the ratio is
taken within each round for the same reason. Nothing is started or printed here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Literal

OURS = "seawall"

type Probe = Callable[[], float]


class Missing(RuntimeError):
    """Say which program, file or part a subject needs and does not have, and how to get it."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Hold the values of one subject in the order of the rounds."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.values)

    @property
    def low(self) -> float:
        return min(self.values)

    @property
    def high(self) -> float:
        return max(self.values)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Hold one measured quantity of all subjects.

    `better` says whether a high or a low value is good; `missing` names the subjects that could not be
    measured, and why.
    """

    what: str
    unit: str
    better: Literal["high", "low"]
    found: Mapping[str, Spread]
    missing: Mapping[str, str] = field(default_factory=dict)
    note: str = ""

    def ratio(self, peer: str) -> Spread | None:
        """Return us divided by a peer, round by round; nothing where one of the two is missing or a value is zero."""
        ours, theirs = self.found.get(OURS), self.found.get(peer)
        if ours is None or theirs is None or not all(theirs.values):
            return None
        return Spread(tuple(a / b for a, b in zip(ours.values, theirs.values, strict=True)))


def interleave(probes: Mapping[str, Probe], rounds: int) -> dict[str, Spread]:
    """Call each probe once a round, in turn, and return what each gave.

    Every second round goes backwards, so that no subject always follows the same other one.
    """
    values: dict[str, list[float]] = {name: [] for name in probes}
    for number in range(rounds):
        for name in sorted(probes, key=list(probes).index, reverse=bool(number % 2)):
            values[name].append(probes[name]())
    return {name: Spread(tuple(taken)) for name, taken in values.items()}
