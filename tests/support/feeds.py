"""The feed process, run in a test over files in a folder, and what it left behind."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from indicators.snapshot.reader import Snapshot
from indicators.words import Action
from proxy.config.model import Config
from proxy.feeds import compile as compiling
from proxy.feeds import store
from proxy.feeds.job import make_job
from proxy.feeds.status import FeedStatus, all_status
from proxy.state import StateDir

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Bench:
    """Run the work of the feed process in this one, over files in a folder."""

    def __init__(self, state: StateDir, folder: Path) -> None:
        self.state = state
        self.folder = folder
        self.now = NOW
        self.feeds: dict[str, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []

    def put(self, name: str, *lines: str, **fields: Any) -> None:
        path = self.folder / name
        path.write_text("".join(f"{line}\n" for line in lines))
        self.feeds[name] = {"name": name, "path": str(path), **self.feeds.get(name, {}), **fields}

    @property
    def config(self) -> Config:
        return Config.model_validate({"state_dir": str(self.state.root), "feeds": list(self.feeds.values())})

    def run(self, *accept: str, refresh: bool = True) -> list[str]:
        self.events.clear()
        config = self.config
        names = [feed.name for feed in config.feeds] if refresh else []
        compiling.run(make_job(config, names, accept), lambda: self.now, self.events.append)
        return [event["event"] for event in self.events]

    @property
    def snapshot(self) -> Snapshot:
        found = store.open_current(self.state)
        assert found is not None
        return found

    def actions(self, host: str) -> dict[str, Action]:
        return {match.indicator.origin.source: match.action for match in self.snapshot.on_host(host)}

    def status(self, name: str) -> FeedStatus:
        return next(one for one in all_status(self.config, self.state, self.now) if one.name == name)
