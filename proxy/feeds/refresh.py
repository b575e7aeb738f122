"""Look for a new version of feeds, and decide whether it is taken, held back or refused. The last good one stays.

When a version is held is said in `holding.py`; `seawall feeds accept NAME` takes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from pathlib import Path

from indicators.guards import Guards
from indicators.words import Action
from proxy.config.sections.feeds import FeedConfig
from proxy.feeds import ledger
from proxy.feeds.arrival import Arrived
from proxy.feeds.fetch import Before, arrive
from proxy.feeds.holding import why_held
from proxy.feeds.inflate import AnswerError, FeedError
from proxy.feeds.intake import Report, parse
from proxy.feeds.job import Job, Progress, format_of, source_of
from proxy.feeds.ledger import Ledger, Version
from proxy.feeds.publishers import least_interval

_AT_ONCE = 4  # downloads


class Refresher:
    """Bring feeds of one job up to date. `top_ranked` are the hosts that a feed may not newly name unseen."""

    def __init__(
        self,
        job: Job,
        guards: Guards,
        top_ranked: Collection[str],
        clock: Callable[[], datetime],
        say: Progress,
    ) -> None:
        self._job = job
        self._guards = guards
        self._top_ranked = top_ranked
        self._clock = clock
        self._say = say
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def run(self, names: Collection[str]) -> None:
        """Look at the feeds named; one that fails does not keep the others."""
        async with asyncio.TaskGroup() as group:
            for feed in self._job.feeds:
                if feed.name in names:
                    group.create_task(self._one(feed))

    def accept(self) -> None:
        """Take the held versions that the job names."""
        for name in self._job.accept:
            known = ledger.read(self._job.state, name)
            if known.held:
                changed = {"good": known.held, "previous": known.good, "held": None, "held_why": ""}
                known = known.model_copy(update=changed)
                ledger.write(self._job.state, name, known)
                self._say({"event": "accepted", "feed": name, "entries": known.good.entries if known.good else 0})

    async def _one(self, feed: FeedConfig) -> None:
        known = ledger.read(self._job.state, feed.name)
        if known.source != source_of(feed):
            known = Ledger(source=source_of(feed))  # another source is another feed
        now = self._clock()
        if now < (until := allowed_from(feed, known) or now):
            why = f"its publisher wants no question before {until:%Y-%m-%d %H:%M} UTC"
            self._say({"event": "waiting", "feed": feed.name, "why": why})
            return
        known = known.model_copy(update={"tried": now})
        try:
            async with self._slots:
                self._say({"event": "fetching", "feed": feed.name})
                arrived = await self._arrive(feed, known)
            known = await asyncio.to_thread(self._judge, feed, known, arrived)
        except OSError as error:  # FeedError, and a disk that is full
            known = known.model_copy(update=self._failure(known, error))
            self._say({"event": "failed", "feed": feed.name, "error": str(error)})
        ledger.write(self._job.state, feed.name, known)
        ledger.tidy(self._job.state, feed.name, known)

    def _failure(self, known: Ledger, error: OSError) -> dict[str, object]:
        found: dict[str, object] = {"failures": known.failures + 1, "error": str(error)}
        if isinstance(error, AnswerError):
            now = self._clock()
            found |= {"answered": now, "not_before": _after(now, error.wait)}
        return found

    async def _arrive(self, feed: FeedConfig, known: Ledger) -> Arrived | None:
        folder = ledger.folder(self._job.state, feed.name)
        folder.mkdir(mode=0o700, exist_ok=True)
        path = ledger.content_path(self._job.state, feed.name, known.seen)
        before = Before()
        there = await asyncio.to_thread(path.is_file)
        if known.seen and there:
            before = Before(path, known.etag, known.modified, known.cursor)
        return await arrive(feed, folder / "arriving.partial", self._job.hosts, before, self._clock())

    def _judge(self, feed: FeedConfig, known: Ledger, arrived: Arrived | None) -> Ledger:
        now = self._clock()
        answered: dict[str, object] = {"checked": now, "answered": now, "failures": 0, "error": "", "not_before": None}
        if arrived is None:
            self._say({"event": "unchanged", "feed": feed.name})
            return known.model_copy(update=answered)
        answered |= {"seen": arrived.digest, "etag": arrived.etag, "modified": arrived.modified}
        answered |= {"cursor": arrived.cursor, "not_before": _after(now, arrived.wait), "note": arrived.note}
        path = ledger.content_path(self._job.state, feed.name, arrived.digest)
        if known.good and arrived.digest == known.good.digest and path.exists():
            arrived.path.unlink()
            self._say({"event": "unchanged", "feed": feed.name})
            return known.model_copy(update=answered | {"held": None, "held_why": ""})
        arrived.path.replace(path)
        return known.model_copy(update=answered | self._weigh(feed, known, path, arrived.digest))

    def _weigh(self, feed: FeedConfig, known: Ledger, path: Path, digest: str) -> dict[str, object]:
        report = parse(path, format_of(feed), self._guards, self._job.own).load()
        version = Version(digest=digest, format=report.format, entries=report.entries, arrived=self._clock())
        before = known.good.entries if known.good else None
        why = why_held(before, version.entries, self._new_top(feed, known, report))
        self._say({"event": "held" if why else "taken", "feed": feed.name, "entries": version.entries, "why": why})
        if why:
            return {"held": version, "held_why": why}
        return {"good": version, "previous": known.good, "held": None, "held_why": ""}

    def _new_top(self, feed: FeedConfig, known: Ledger, report: Report) -> set[str]:
        """Return the most used hosts that this version newly names; nothing where the feed stops nobody."""
        named = {host for host in report.popular if host in self._top_ranked}
        if not named or not known.good or feed.action.strength <= Action.AUDIT.strength:
            return set()
        try:
            path = ledger.content_path(self._job.state, feed.name, known.good.digest)
            return named - set(parse(path, format_of(feed), self._guards, self._job.own).load().popular)
        except (FeedError, FileNotFoundError):
            return named


def _after(now: datetime, wait: timedelta) -> datetime | None:
    return now + wait if wait else None


def allowed_from(feed: FeedConfig, known: Ledger) -> datetime | None:
    """Return the time before which the publisher of a feed wants no question; nothing when it may be asked."""
    times = [known.not_before] if known.not_before else []
    least = least_interval(feed)
    if least and known.answered:
        times.append(known.answered + least)
    return max(times, default=None)
