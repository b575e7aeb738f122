"""The feed process, run in a test over files in a folder, and what it left behind."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from indicators.classifier import Classifier
from indicators.memory_index import MemoryIndex
from indicators.observation import Device, Observation
from indicators.settings import PolicySettings
from indicators.snapshot.reader import Snapshot
from indicators.verdict import Verdict
from indicators.words import Action, Stage
from proxy.config.model import Config
from proxy.feeds import compile as compiling
from proxy.feeds import store
from proxy.feeds.job import make_job
from proxy.feeds.status import FeedStatus, all_status
from proxy.state import StateDir

NOWHERE = "127.0.0.1:9"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Bench:
    """Run the work of the feed process in this one, over files in a folder."""

    def __init__(self, state: StateDir, folder: Path) -> None:
        self.state = state
        self.folder = folder
        self.now = NOW
        self.feeds: dict[str, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []
        self.hosts: dict[str, str] = {}
        self.upstreams: list[str] = []
        self.guards: dict[str, list[str]] = {}

    def put(self, name: str, *lines: str, **fields: Any) -> None:
        path = self.folder / name
        path.write_text("".join(f"{line}\n" for line in lines))
        self.feeds[name] = {"name": name, "path": str(path), **self.feeds.get(name, {}), **fields}

    @property
    def config(self) -> Config:
        return Config.model_validate(
            {
                "state_dir": str(self.state.root),
                "feeds": list(self.feeds.values()),
                "dns": {
                    "hosts": self.hosts,
                    "upstreams": self.upstreams or ["127.0.0.1:9"],
                    "bootstrap": ["127.0.0.1:9"],
                },
                "guards": self.guards,
            }
        )

    def run(self, *accept: str, refresh: bool = True) -> list[str]:
        self.events.clear()
        config = self.config
        names = [feed.name for feed in config.feeds] if refresh else []
        compiling.run(make_job(config, names, accept), lambda: self.now, self.events.append)
        return [event["event"] for event in self.events]

    async def run_aside(self, *accept: str) -> list[str]:
        """Run in a thread, so that a server of this loop can answer."""
        return await asyncio.to_thread(self.run, *accept)

    @property
    def snapshot(self) -> Snapshot:
        found = store.open_current(self.state)
        assert found is not None
        return found

    def actions(self, host: str) -> dict[str, Action]:
        return {match.indicator.origin.source: match.action for match in self.snapshot.on_host(host)}

    def verdict(self, host: str) -> Verdict:
        """Judge a host by the snapshot alone, as DNS would."""
        classifier = Classifier(MemoryIndex(()), [self.snapshot], PolicySettings())
        return classifier.judge(Observation(Stage.DNS, Device("d", "a device"), (host,)), self.now)

    def status(self, name: str) -> FeedStatus:
        return next(one for one in all_status(self.config, self.state, self.now) if one.name == name)
