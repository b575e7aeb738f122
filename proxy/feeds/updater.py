"""Keep feeds fresh while the gateway runs: decide what is due and have the feed process do it. Parses nothing."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from proxy.config.model import Config
from proxy.config.sections.feeds import FeedConfig
from proxy.feeds import ledger
from proxy.feeds.job import Job, make_job, source_of
from proxy.feeds.publishers import interval_of
from proxy.feeds.refresh import allowed_from
from proxy.feeds.status import FeedStatus, all_status
from proxy.feeds.store import named
from proxy.state import StateDir

_log = logging.getLogger(__name__)

_JITTER = 0.1  # of an interval, so that gateways do not ask all at once
_FIRST_RETRY = timedelta(minutes=1)  # doubled at each further failure, up to the feed's interval
_LOOK = 5.0  # seconds between looks at what is due
_STOPPING = 5.0  # seconds that the feed process gets to end


class FeedUpdater:
    """Run in the supervisor. `compiling` says that the feed process is at work."""

    def __init__(
        self,
        config: Config,
        state: StateDir,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._config = config
        self._state = state
        self._clock = clock
        self._jitter = jitter
        self._changed = asyncio.Event()
        self._seen_files: dict[str, tuple[int, int]] = {}
        self._delays: dict[str, float] = {}
        self._compiled: Job | None = None
        self._looked = False
        self._troubles: dict[str, str] = {}  # what was last logged of each feed
        self.compiling = False
        self.last_error = ""

    @property
    def ready(self) -> bool:
        """Say whether the feeds have been looked at once, or there are none: what `startup: wait` waits for.

        A snapshot of an earlier run is enough, and so is a look that fetched nothing: without a network the gateway
        starts with what it has.
        """
        return self._looked or not any(feed.enabled for feed in self._config.feeds) or bool(named(self._state))

    def status(self) -> list[FeedStatus]:
        """Return how each feed stands."""
        return all_status(self._config, self._state, self._clock())

    def reload(self, config: Config) -> None:
        """Take another configuration; what changed in its feeds is looked at soon."""
        self._config = config
        self._changed.set()

    async def run(self) -> None:
        """Keep feeds fresh until cancelled."""
        while True:
            self._changed.clear()
            due = self._due()
            if self._config_differs() or due:
                await self._do(make_job(self._config, refresh=due))
            try:
                async with asyncio.timeout(_LOOK):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _config_differs(self) -> bool:
        """Say whether what a compilation depends on is another than it was: feeds, guards, our own addresses."""
        job = make_job(self._config)
        before, self._compiled = self._compiled, job
        return before != job

    def _due(self) -> list[str]:
        return [feed.name for feed in self._config.feeds if feed.enabled and self._is_due(feed)]

    def _is_due(self, feed: FeedConfig) -> bool:
        known = ledger.read(self._state, feed.name)
        if known.source != source_of(feed) or known.tried is None:
            return True
        if self._clock() < (allowed_from(feed, known) or self._clock()):
            return False
        if feed.path and self._file_changed(feed):
            return True
        return self._clock() >= known.tried + self._wait(feed, known.failures)

    def _wait(self, feed: FeedConfig, failures: int) -> timedelta:
        usual = interval_of(feed)
        wait = min(usual, _FIRST_RETRY * 2 ** min(failures - 1, 20)) if failures else usual
        share = self._delays.setdefault(feed.name, self._jitter())
        return wait * (1 + _JITTER * share)

    def _file_changed(self, feed: FeedConfig) -> bool:
        try:
            found = feed.path.stat() if feed.path else None
        except OSError:
            return False
        mark = (found.st_mtime_ns, found.st_size) if found else (0, 0)
        before = self._seen_files.get(feed.name)
        self._seen_files[feed.name] = mark
        return before != mark

    async def _do(self, job: Job) -> None:
        self.compiling = True
        for name in job.refresh:
            self._delays.pop(name, None)
        found: dict[str, str] = {}

        def note(event: dict[str, Any]) -> None:
            if event.get("event") in ("failed", "held"):
                found[str(event.get("feed"))] = str(event.get("error") or event.get("why"))

        try:
            self.last_error = await run_process(job, note)
        except (OSError, ValueError) as error:  # ValueError: it said something that is no JSON
            self.last_error = f"cannot work with the feed process: {error}"
        finally:
            self.compiling = False
            self._looked = True
        if self.last_error:
            _log.error("feeds: %s", self.last_error)
        self._tell(job.refresh, found)

    def _tell(self, looked_at: Sequence[str], found: dict[str, str]) -> None:
        """Log what is new about feeds that fail or are held, in one line; what stays as it was is not told again."""
        news = {name: trouble for name, trouble in found.items() if self._troubles.get(name) != trouble}
        well = [name for name in looked_at if name in self._troubles and name not in found]
        self._troubles = {name: was for name, was in self._troubles.items() if name not in well} | found
        if len(news) == 1:
            _log.warning("feed %s: %s", *next(iter(news.items())))
        elif news:
            name, trouble = next(iter(news.items()))
            _log.warning(
                "%d feeds could not be taken, such as %s: %s; `seawall feeds list` shows each", len(news), name, trouble
            )
        if well:
            _log.info("feeds are well again: %s", ", ".join(well))


async def run_process(job: Job, note: Callable[[dict[str, Any]], None]) -> str:
    """Have a process of its own do a job; return what stopped it, or nothing. A cancelled caller ends the process."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "proxy.feeds.compile",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        return await _talk(process, job, note)
    finally:
        if process.returncode is None:
            await _end(process)


async def _talk(process: asyncio.subprocess.Process, job: Job, note: Callable[[dict[str, Any]], None]) -> str:
    if not (process.stdin and process.stdout):
        return "the feed process has no pipes"
    process.stdin.write(job.model_dump_json().encode())
    process.stdin.close()
    stopped = ""
    for event in [event async for event in _events(process.stdout, note)]:
        stopped = str(event.get("error", "")) if event.get("event") == "stopped" else stopped
    code = await process.wait()
    return stopped or (f"the feed process ended with code {code}" if code else "")


async def _events(output: asyncio.StreamReader, note: Callable[[dict[str, Any]], None]) -> Any:
    async for line in output:
        event = json.loads(line)
        note(event)
        yield event


async def _end(process: asyncio.subprocess.Process) -> None:
    process.terminate()
    try:
        async with asyncio.timeout(_STOPPING):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
