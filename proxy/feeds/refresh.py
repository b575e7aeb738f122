"""Look for a new version of feeds, and decide whether it is taken, held back or refused. The last good one stays.

A version is held when it is empty or has lost more than half of its entries; `seawall feeds accept NAME` takes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from indicators.guards import Guards
from proxy.config.model import FeedConfig
from proxy.feeds import ledger
from proxy.feeds.fetch import Arrived, fetch, read_file
from proxy.feeds.inflate import FeedError
from proxy.feeds.intake import parse
from proxy.feeds.job import Job, Progress, source_of
from proxy.feeds.ledger import Ledger, Version

_AT_ONCE = 4  # downloads
_SHRINK = 2  # a version with fewer entries than the last good one divided by this is held


class Refresher:
    """Bring the feeds of one job up to date."""

    def __init__(self, job: Job, guards: Guards, clock: Callable[[], datetime], say: Progress) -> None:
        self._job = job
        self._guards = guards
        self._clock = clock
        self._say = say
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def run(self) -> None:
        """Look at the feeds that the job names; one that fails does not keep the others."""
        wanted = [feed for feed in self._job.feeds if feed.name in self._job.refresh]
        async with asyncio.TaskGroup() as group:
            for feed in wanted:
                group.create_task(self._one(feed))
        for name in self._job.accept:
            self._accept(name)

    async def _one(self, feed: FeedConfig) -> None:
        known = ledger.read(self._job.state, feed.name)
        if known.source != source_of(feed):
            known = Ledger(source=source_of(feed))  # another source is another feed
        known = known.model_copy(update={"tried": self._clock()})
        try:
            async with self._slots:
                self._say({"event": "fetching", "feed": feed.name})
                arrived = await self._arrive(feed, known)
            known = self._judge(feed, known, arrived)
        except OSError as error:  # FeedError, and a disk that is full
            known = known.model_copy(update={"failures": known.failures + 1, "error": str(error)})
            self._say({"event": "failed", "feed": feed.name, "error": str(error)})
        ledger.write(self._job.state, feed.name, known)
        ledger.tidy(self._job.state, feed.name, known)

    async def _arrive(self, feed: FeedConfig, known: Ledger) -> Arrived | None:
        folder = ledger.folder(self._job.state, feed.name)
        folder.mkdir(mode=0o700, exist_ok=True)
        into = folder / "arriving.partial"
        if feed.url:
            fresh = known.seen and self._has(feed.name, known)
            etag, modified = (known.etag, known.modified) if fresh else ("", "")
            return await fetch(feed.url, into, self._job.hosts, etag, modified)
        if feed.path:
            return await asyncio.to_thread(read_file, feed.path, into)
        raise FeedError("it has neither `url` nor `path`; give it one of them")

    def _has(self, name: str, known: Ledger) -> bool:
        return ledger.content_path(self._job.state, name, known.seen).exists()

    def _judge(self, feed: FeedConfig, known: Ledger, arrived: Arrived | None) -> Ledger:
        answered = {"checked": self._clock(), "failures": 0, "error": ""}
        if arrived is None:
            self._say({"event": "unchanged", "feed": feed.name})
            return known.model_copy(update=answered)
        answered |= {"seen": arrived.digest, "etag": arrived.etag, "modified": arrived.modified}
        if known.good and arrived.digest == known.good.digest and self._has(feed.name, known):
            arrived.path.unlink()
            self._say({"event": "unchanged", "feed": feed.name})
            return known.model_copy(update=answered | {"held": None, "held_why": ""})
        return known.model_copy(update=answered | self._weigh(feed, known, arrived))

    def _weigh(self, feed: FeedConfig, known: Ledger, arrived: Arrived) -> dict[str, object]:
        path = ledger.content_path(self._job.state, feed.name, arrived.digest)
        arrived.path.replace(path)
        version = self._parsed(feed, path, arrived.digest)
        why = _why_held(known.good, version)
        self._say({"event": "held" if why else "taken", "feed": feed.name, "entries": version.entries, "why": why})
        if why:
            return {"held": version, "held_why": why}
        return {"good": version, "held": None, "held_why": ""}

    def _parsed(self, feed: FeedConfig, path: Path, digest: str) -> Version:
        report = parse(path, feed.format, self._guards).load()
        return Version(digest=digest, format=report.format, entries=report.entries, arrived=self._clock())

    def _accept(self, name: str) -> None:
        known = ledger.read(self._job.state, name)
        if known.held:
            known = known.model_copy(update={"good": known.held, "held": None, "held_why": ""})
            ledger.write(self._job.state, name, known)
            self._say({"event": "accepted", "feed": name, "entries": known.good.entries if known.good else 0})


def _why_held(good: Version | None, new: Version) -> str:
    before = good.entries if good else 0
    if not new.entries:
        return "the new version has no usable entry"
    if new.entries * _SHRINK < before:
        return f"the new version has {new.entries} entries, less than half of the {before} before"
    return ""
