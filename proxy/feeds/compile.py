"""The feed process: `python -m proxy.feeds.compile` reads a job (JSON) from standard input and does it at low priority.

It fetches what the job names, parses what is new, and publishes a snapshot when what goes into it has changed. Files of
this machine come first, so that they never wait for a network. It says what it does as lines of JSON. One at a time: a
lock in the feeds' folder is held throughout.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from indicators.guards import Guards
from indicators.snapshot.layout import SnapshotError
from proxy.feeds import ledger
from proxy.feeds.assemble import Source, assemble, inputs_digest
from proxy.feeds.guarding import guard_lists
from proxy.feeds.inflate import FeedError
from proxy.feeds.intake import parse
from proxy.feeds.job import Job, Progress, doubt_of, format_of, publisher_of, say, source_of
from proxy.feeds.refresh import Refresher
from proxy.feeds.store import open_current, publish, write_whole
from proxy.state import StateDir

NICENESS = 10


def run(job: Job, clock: Callable[[], datetime], progress: Progress) -> None:
    """Do a job. Raises OSError when the state directory cannot be written."""
    lists = guard_lists(job.guards)
    guards = Guards(lists)
    here = {feed.name for feed in job.feeds if feed.path} & set(job.refresh)
    elsewhere = set(job.refresh) - here
    with _locked(job.state):
        refresher = Refresher(job, guards, lists.top_ranked, clock, progress)
        refresher.accept()
        asyncio.run(refresher.run(here))
        compiled = _compile(job, guards, clock(), progress)
        if elsewhere:
            asyncio.run(refresher.run(elsewhere))
            compiled = _compile(job, guards, clock(), progress) or compiled
        if not compiled:
            progress({"event": "current"})


@contextmanager
def _locked(state: StateDir) -> Iterator[None]:
    with (state.feeds / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _compile(job: Job, guards: Guards, now: datetime, progress: Progress) -> bool:
    """Publish a snapshot of all feeds as they are; say whether there was anything new in it."""
    sources = [source for feed in job.feeds if (source := _source(job, feed.name, guards, progress))]
    current = open_current(job.state, whole=True)
    if (current.inputs if current else "") == (inputs_digest(sources) if sources or current else ""):
        return False
    progress({"event": "compiling", "entries": sum(source.report.entries for source in sources)})
    built, counts = assemble(sources, now)
    path = publish(job.state, built.content)
    for name, count in counts.items():
        write_counts(job.state, name, {"kept": count.kept, "demoted": count.demoted, "repeated": count.repeated})
    progress({"event": "published", "snapshot": path.name, "indicators": built.counts.total})
    return True


def write_counts(state: StateDir, name: str, counts: dict[str, int]) -> None:
    """Keep what the last compilation counted for a feed."""
    text = "".join(f"{key} {value}\n" for key, value in counts.items())
    write_whole(counts_path(state, name), text.encode("ascii"))


def counts_path(state: StateDir, name: str) -> Path:
    """Return the file of a feed's counts; it belongs to the good version."""
    good = ledger.read(state, name).good
    return ledger.folder(state, name) / f"{good.digest[:32] if good else 'none'}.counts"


def _source(job: Job, name: str, guards: Guards, progress: Progress) -> Source | None:
    known = ledger.read(job.state, name)
    feed = next(feed for feed in job.feeds if feed.name == name)
    if not known.good or known.source != source_of(feed):
        return None
    path = ledger.content_path(job.state, name, known.good.digest)
    try:
        parsed = parse(path, format_of(feed), guards, job.own)
    except (FeedError, FileNotFoundError) as error:
        progress({"event": "failed", "feed": name, "error": str(error)})
        return None
    return Source(
        name,
        publisher_of(feed),
        feed.category,
        feed.action,
        parsed,
        parsed.load(),
        known.good.digest,
        known.good.arrived,
        allow_rewrite=feed.allow_rewrite,
        confidence=feed.confidence,
        doubt=doubt_of(feed),
    )


def main() -> int:
    """Do the job given on standard input; return the exit code."""
    os.nice(NICENESS)
    job = Job.model_validate_json(sys.stdin.buffer.read())
    try:
        run(job, lambda: datetime.now(UTC), say)
    except (OSError, OverflowError, SnapshotError) as error:
        say({"event": "stopped", "error": str(error)})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
