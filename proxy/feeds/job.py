"""What one run of the feed process is to do, as JSON on its standard input, and what it says while it does it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from indicators.public_suffix import registrable_domain
from proxy.config.model import Config, FeedConfig
from proxy.state import StateDir

type Progress = Callable[[dict[str, Any]], None]

_BY_OWNER = {"raw.githubusercontent.com": 0, "github.com": 0, "gitlab.com": 0, "cdn.jsdelivr.net": 1}


class Job(BaseModel):
    """Hold the feeds of a configuration and which of them to look at; paths are absolute."""

    model_config = ConfigDict(frozen=True)

    state_dir: Path
    feeds: tuple[FeedConfig, ...]
    hosts: dict[str, tuple[str, ...]] = {}
    refresh: tuple[str, ...] = ()
    accept: tuple[str, ...] = ()

    @property
    def state(self) -> StateDir:
        """Return the state directory."""
        return StateDir(self.state_dir)


def make_job(config: Config, refresh: Iterable[str] = (), accept: Iterable[str] = ()) -> Job:
    """Return a job for the enabled feeds of a configuration."""
    fixed = {
        name.rstrip(".").lower(): tuple(str(one) for one in (found if isinstance(found, tuple) else (found,)))
        for name, found in config.dns.hosts.items()
    }
    feeds = tuple(feed for feed in config.feeds if feed.enabled)
    return Job(state_dir=config.state_dir, feeds=feeds, hosts=fixed, refresh=tuple(refresh), accept=tuple(accept))


def source_of(feed: FeedConfig) -> str:
    """Return where a feed comes from, in words."""
    return feed.url or str(feed.path or "")


def publisher_of(feed: FeedConfig) -> str:
    """Return who publishes a feed, so that two lists of one publisher are not two opinions.

    It is the registrable domain of its address, the owner on a site that publishes for many, or, for a file, the feed.
    """
    if not feed.url:
        return feed.name
    parts = urlsplit(feed.url)
    host = (parts.hostname or "").lower()
    if host in _BY_OWNER:
        path = parts.path.strip("/").split("/")
        return f"{host}/{path[_BY_OWNER[host]] if len(path) > _BY_OWNER[host] else ''}".lower()
    return registrable_domain(host) or host or feed.name


def say(event: dict[str, Any]) -> None:
    """Write one event as a line of JSON to standard output."""
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()
