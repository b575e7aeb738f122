"""What one run of the feed process is to do, as JSON on its standard input, and what it says while it does it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from indicators.public_suffix import registrable_domain
from proxy.config.model import Config
from proxy.config.sections.feeds import FeedConfig
from proxy.config.sections.guards import GuardsConfig
from proxy.feeds.own_addresses import own_addresses
from proxy.state import StateDir

type Progress = Callable[[dict[str, Any]], None]

_BY_PROTOCOL = {"taxii": "stix", "misp": "misp", "safebrowsing": "safebrowsing"}
_BY_OWNER = {"raw.githubusercontent.com": 0, "github.com": 0, "gitlab.com": 0, "cdn.jsdelivr.net": 1}


class Job(BaseModel):
    """Hold the feeds of a configuration and which of them to look at; paths are absolute.

    `own` are addresses that no feed may block: the gateway's own, and its upstream resolvers'.
    """

    model_config = ConfigDict(frozen=True)

    state_dir: Path
    feeds: tuple[FeedConfig, ...]
    hosts: dict[str, tuple[str, ...]] = {}
    own: tuple[str, ...] = ()
    guards: GuardsConfig = GuardsConfig()
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
    own = own_addresses(config)
    return Job(
        state_dir=config.state_dir,
        feeds=feeds,
        hosts=fixed,
        own=own,
        guards=config.guards,
        refresh=tuple(refresh),
        accept=tuple(accept),
    )


def format_of(feed: FeedConfig) -> str:
    """Return the format of what a feed's protocol leaves in its file."""
    return _BY_PROTOCOL.get(feed.protocol, feed.format)


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


def doubt_of(feed: FeedConfig) -> str:
    """Return why a feed's entries are audited only, in words; nothing where they are enforced."""
    if feed.insecure_ok or not (feed.url or "").startswith("http:"):
        return ""
    if is_loopback(urlsplit(feed.url or "").hostname or ""):
        return ""
    return f"{feed.name} comes over plain http, where anyone on the way may change it (`insecure_ok` enforces it)"


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine, to which nobody stands in the way."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def say(event: dict[str, Any]) -> None:
    """Write one event as a line of JSON to standard output."""
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()
