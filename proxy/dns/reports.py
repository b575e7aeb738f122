"""Report what was enforced, without making an answer wait: the first time as an event, repeats as a count.

Rule: an incident id that a client is shown is durable before it is shown. So where the reply carries it (EDNS), the
report is made first; where it does not, the report follows within 50 ms, in a batch. Everything is bounded: beyond
`MAX_WAITING` a report is made at once, and the oldest sightings are forgotten first.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from indicators.observation import Observation
from indicators.ports import Reporter
from indicators.verdict import Verdict
from indicators.words import Enforcement

log = logging.getLogger(__name__)

WINDOW = 60.0  # seconds in which a repeat only counts
REPORT_WITHIN = 0.02  # seconds
COUNT_WITHIN = 0.5  # seconds
MAX_COUNTED = 128  # counts told in that time, for each costs a while; further ones add up and follow
MAX_WAITING = 8192
MAX_SIGHTINGS = 32_768
_BATCH = 64  # reports made in one go, so that answers are not held up behind them

type Later = Callable[[float, Callable[[], None]], Any]


class Sighting:
    """Stand for one enforcement (device, destination, action), counted over `WINDOW` seconds."""

    __slots__ = ("_book", "_counted", "_what", "incident", "until")

    def __init__(
        self, book: Sightings, what: tuple[Observation, Verdict, Enforcement], until: float, counted: int = 0
    ) -> None:
        self._book = book
        self._what: tuple[Observation, Verdict, Enforcement] | None = what
        self._counted = counted
        self.incident = ""
        self.until = until

    def again(self) -> None:
        """Count one more; told to the collector within a second."""
        self._counted += 1
        if self._counted == 1:
            self._book.count(self)

    def report(self, reporter: Reporter) -> None:
        """Make the event, once. A reporter that fails is logged; the enforcement stands."""
        what, self._what = self._what, None
        if what is None:
            return
        try:
            self.incident = reporter.report(*what)
        except Exception:
            log.exception("a verdict on %s could not be reported", what[0].destination)

    def flush(self, reporter: Reporter) -> None:
        """Tell the count since the last time, and start again at none."""
        counted, self._counted = self._counted, 0
        if not counted or not self.incident:
            return
        try:
            reporter.repeat(self.incident, counted)
        except Exception:
            log.exception("%d repeats of %s could not be reported", counted, self.incident)


class Sightings:
    """Hold the sightings of the last minute, and what is still to be told."""

    def __init__(self, reporter: Reporter, later: Later) -> None:
        self._reporter = reporter
        self._later = later
        self._recent: dict[tuple[str, str, str, str], Sighting] = {}
        self._waiting: list[Sighting] = []
        self._counted: list[Sighting] = []

    def note(
        self, seen: Observation, verdict: Verdict, enforcement: Enforcement, now: float, *, shown: bool
    ) -> Sighting:
        """Record one enforcement. `shown` says that the client will see the incident id: it is durable on return."""
        key = (seen.device.id, seen.destination, verdict.action, enforcement)
        found = self._recent.get(key)
        if found is not None and now < found.until:
            found.again()
            at_once = shown
        else:
            found = Sighting(self, (seen, verdict, enforcement), now + WINDOW)
            self._remember(key, found)
            at_once = shown or len(self._waiting) >= MAX_WAITING
            if not at_once:
                self._wait(found)
        if at_once:
            found.report(self._reporter)
        return found

    def _remember(self, key: tuple[str, str, str, str], sighting: Sighting) -> None:
        self._recent.pop(key, None)
        self._recent[key] = sighting
        if len(self._recent) > MAX_SIGHTINGS:
            del self._recent[next(iter(self._recent))]

    def _wait(self, sighting: Sighting) -> None:
        if not self._waiting:
            self._later(REPORT_WITHIN, self._report_waiting)
        self._waiting.append(sighting)

    def _report_waiting(self) -> None:
        batch, self._waiting = self._waiting[:_BATCH], self._waiting[_BATCH:]
        for sighting in batch:
            sighting.report(self._reporter)
        if self._waiting:
            self._later(0.001, self._report_waiting)

    def count(self, sighting: Sighting) -> None:
        """Remember that a sighting has a count to be told."""
        if not self._counted:
            self._later(COUNT_WITHIN, self._flush_counts)
        self._counted.append(sighting)

    def _flush_counts(self) -> None:
        counted, self._counted = self._counted[:MAX_COUNTED], self._counted[MAX_COUNTED:]
        self._tell(counted)
        if self._counted:
            self._later(COUNT_WITHIN, self._flush_counts)

    def _tell(self, counted: list[Sighting]) -> None:
        for sighting in counted:
            sighting.report(self._reporter)
            sighting.flush(self._reporter)

    def forget_old(self, now: float) -> None:
        """Drop sightings whose window is over. They stand in the order of their beginning."""
        for key, sighting in list(self._recent.items()):
            if sighting.until > now:
                break
            del self._recent[key]

    def close(self) -> None:
        """Tell everything that is still to be told."""
        for sighting in self._waiting:
            sighting.report(self._reporter)
        self._waiting.clear()
        counted, self._counted = self._counted, []
        self._tell(counted)
