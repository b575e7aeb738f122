"""Report what was enforced, without making an answer wait: the first time as an event, repeats as a count.

Rule: an incident id that a client is shown is durable before it is shown. So where the reply carries it (EDNS), the
report is made first; where it does not, the report follows within 50 ms, in a batch. Everything is bounded: beyond
`MAX_WAITING` a batch is reported at once, and the oldest sightings are forgotten first. A sighting lasts for the UTC
day, as an alert does, and no longer than the policy's epoch: what is met later may be another indicator.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

from indicators.observation import Observation
from indicators.verdict import Verdict
from indicators.words import Enforcement
from proxy.reporting.form import Alike, Form
from proxy.reporting.port import ManyReporter

log = logging.getLogger(__name__)

REPORT_WITHIN = 0.02  # seconds
COUNT_WITHIN = 0.5  # seconds
MAX_COUNTED = 512  # counts told in one go, so that answers are not held up behind them; the others follow
_COUNT_PAUSE = 0.05  # seconds between such parts: the more names have counts to tell, the less often each is told
MAX_WAITING = 8192
MAX_SIGHTINGS = 65_536  # at the least; never more than twice as many
BATCH = 256  # reports made in one go
_BREATH = 0.001  # seconds between batches

type Later = Callable[[float, Callable[[], None]], Any]


class Whole(NamedTuple):
    """Hold an enforcement that is reported on its own."""

    seen: Observation
    verdict: Verdict
    enforcement: Enforcement


class Listed(NamedTuple):
    """Hold an enforcement that differs from an earlier one in names and lines: `where` as in `indicators.index.Glance`.

    `order` gives the place in `where` of each match of the verdict.
    """

    form: Form
    order: Sequence[int]
    host: str
    where: Sequence[int]

    def alike(self) -> Alike:
        """Write out names and lines."""
        form, order, host, where = self
        if len(where) == 2:
            return Alike(form, host, (host[-where[0] :], str(where[1])))
        return Alike(form, host, [text for at in order for text in (host[-where[2 * at] :], str(where[2 * at + 1]))])


class Sighting:
    """Stand for one enforcement (device, destination, action), counted from then on."""

    __slots__ = ("_book", "_counted", "incident", "what")

    def __init__(self, book: Sightings, what: Whole | Listed) -> None:
        self._book = book
        self._counted = 0
        self.incident = ""
        self.what: Whole | Listed | None = what  # still to be reported

    def again(self) -> None:
        """Count one more; told to the collector within a second, or later where very many have counts to tell."""
        self._counted += 1
        if self._counted == 1:
            self._book.count(self)

    def taken_count(self) -> int:
        """Return how often it was met since the last time, and start again at none."""
        counted, self._counted = self._counted, 0
        return counted


type Key = tuple[str, str, str, str]
"""Device, destination, action, enforcement; the words as plain text, for an enum's hash is a call."""


class Sightings:
    """Hold the sightings of this day, and what is still to be told. `day_left` gives its seconds that are left."""

    def __init__(self, reporter: ManyReporter, later: Later, day_left: Callable[[], float] = lambda: 86_400.0) -> None:
        self._reporter = reporter
        self._later = later
        self._day_left = day_left
        self.day_ends = 0.0
        self._epoch = -1
        self._young: dict[Key, Sighting] = {}
        self._old: dict[Key, Sighting] = {}
        self._waiting: list[Sighting] = []
        self._counted: deque[Sighting] = deque()

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def follow(self, epoch: int, now: float) -> None:
        """Forget all at a new epoch of the policy and at the end of the day. What is to be told is told."""
        if epoch != self._epoch or now >= self.day_ends:
            self._epoch = epoch
            self.day_ends = now + self._day_left()
            self._young, self._old = {}, {}

    def note(self, seen: Observation, verdict: Verdict, enforcement: Enforcement, *, shown: bool) -> Sighting:
        """Record one enforcement. `shown` says that the client will see the incident id: it is durable on return."""
        key = (seen.device.id, seen.destination, verdict.action.value, enforcement.value)
        return self._noted(key, Whole(seen, verdict, enforcement), shown)

    def note_listed(self, key: Key, listed: Listed, *, shown: bool) -> Sighting:
        """Record one enforcement of many alike."""
        return self._noted(key, listed, shown)

    def _noted(self, key: Key, what: Whole | Listed, shown: bool) -> Sighting:
        found = self._young.get(key) or self._old.get(key)
        if found is None:
            found = self._begin(key, what)
            if not shown:
                self._wait(found)
        else:
            found.again()
        if shown and found.what is not None:
            self._report([found])
        return found

    def _begin(self, key: Key, what: Whole | Listed) -> Sighting:
        if len(self._young) >= MAX_SIGHTINGS:
            self._old, self._young = self._young, {}
        found = self._young[key] = Sighting(self, what)
        return found

    def _wait(self, sighting: Sighting) -> None:
        waiting = self._waiting
        if not waiting:
            self._later(REPORT_WITHIN, self._report_waiting)
        elif len(waiting) >= MAX_WAITING:
            self._report_batch()
            waiting = self._waiting
        waiting.append(sighting)

    def _report_waiting(self) -> None:
        self._report_batch()
        if self._waiting:
            self._later(_BREATH, self._report_waiting)

    def _report_batch(self) -> None:
        batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
        self._report(batch)

    def _report(self, sightings: Collection[Sighting]) -> None:
        """Make the events that are not made yet. A reporter that fails is logged; the enforcement stands."""
        alike: list[tuple[Sighting, Alike]] = []
        for sighting in sightings:
            what, sighting.what = sighting.what, None
            try:
                if isinstance(what, Whole):
                    sighting.incident = self._reporter.report(*what)
                elif what is not None:
                    alike.append((sighting, what.alike()))
            except Exception:
                log.exception("a verdict could not be reported: %s", what)
        if alike:
            self._report_alike(alike)

    def _report_alike(self, alike: Sequence[tuple[Sighting, Alike]]) -> None:
        try:
            incidents = self._reporter.report_alike([each for _, each in alike])
        except Exception:
            log.exception("%d verdicts could not be reported", len(alike))
            return
        for (sighting, _), incident in zip(alike, incidents, strict=True):
            sighting.incident = incident

    def count(self, sighting: Sighting) -> None:
        """Remember that a sighting has a count to be told."""
        if not self._counted:
            self._later(COUNT_WITHIN, self._tell_counts)
        self._counted.append(sighting)

    def _tell_counts(self) -> None:
        take = self._counted.popleft
        self._tell([take() for _ in range(min(MAX_COUNTED, len(self._counted)))])
        if self._counted:
            self._later(_COUNT_PAUSE, self._tell_counts)

    def _tell(self, counted: Collection[Sighting]) -> None:
        self._report(counted)
        for sighting in counted:
            count = sighting.taken_count()
            try:
                if sighting.incident:
                    self._reporter.repeat(sighting.incident, count)
            except Exception:
                log.exception("%d repeats of %s could not be reported", count, sighting.incident)

    def close(self) -> None:
        """Tell everything that is still to be told."""
        waiting, self._waiting = self._waiting, []
        self._report(waiting)
        self._tell(self._counted)
        self._counted.clear()
