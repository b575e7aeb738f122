"""How the gateway is, in one mapping: for `seawall status`, the panel, and (in its own words) the collector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from importlib.metadata import version
from platform import node
from typing import Any, Protocol

from indicators.overlay import Pin
from proxy.config.model import Config
from proxy.feeds.status import FeedState, FeedStatus
from proxy.policy import LivePolicy
from proxy.reporting.delivery import DeliveryState

# how the collector's words for a feed's state stand for ours
_FOR_COLLECTOR = {FeedState.EMPTY: "stale", FeedState.FAILING: "failed", FeedState.DISABLED: "off"}
_MOST_PINS = 200  # those that last longest
VERSION = version("seawall")


class Feeds(Protocol):
    """What is needed of the feed updater."""

    compiling: bool
    last_error: str

    @property
    def ready(self) -> bool:
        """Say whether a snapshot is there, or no feed is configured."""
        ...

    def status(self) -> list[FeedStatus]:
        """Return how each feed stands."""
        ...

    async def run(self) -> None:
        """Keep feeds fresh until cancelled."""
        ...


def describe(
    config: Config, policy: LivePolicy, feeds: Feeds, delivery: DeliveryState, errors: Sequence[str], now: datetime
) -> dict[str, Any]:
    """Return what does not depend on processes: indicators, feeds, delivery, what is wrong."""
    counts, paused = policy.counts(), policy.overlay.paused_until
    waits = 0 if policy.overlay.trusted_devices or config.inspect_untrusted else counts.urls
    trouble = [feeds.last_error] if feeds.last_error else []
    return {
        "version": VERSION,
        "mode": str(config.policy.mode),
        "compiling": feeds.compiling,
        "generation": policy.overlay.generation,
        "indicators": counts.total,
        "waiting_for_ca": waits,
        "paused_until": paused.isoformat() if paused and paused > now else None,
        "feeds": [feed.to_json() for feed in feeds.status()],
        "delivery": {**asdict(delivery), "since": delivery.since.isoformat() if delivery.since else None},
        "errors": [*errors, *trouble],
    }


def for_collector(status: dict[str, Any], pins: Sequence[Pin] = ()) -> dict[str, Any]:
    """Return the status in the collector's form (`POST /api/v1/gateways/status`)."""
    told = "gateway version mode compiling indicators waiting_for_ca paused_until".split()
    feeds = [
        {
            "name": feed["name"],
            "state": _FOR_COLLECTOR.get(feed["state"], feed["state"]),
            "entries": feed["entries"],
            "updated": feed["changed"],
            "error": feed["reason"][:1000],
        }
        for feed in status["feeds"][:500]
    ]
    errors = [error[:1000] for error in status["errors"][:100]]
    more = {"decryption": status["decryption"]} if status.get("decryption") else {}
    return {
        **{name: status[name] for name in told},
        **more,
        "name": node()[:64],
        "feeds": feeds,
        "errors": errors,
        "endpoints": status["endpoints"],
        "pins": len(pins),
        "pinned": _longest(pins),
    }


def _longest(pins: Sequence[Pin]) -> list[dict[str, str]]:
    """Return the apps that pin, the one that lasts longest first, bounded; times to the microsecond."""
    shown = sorted(pins, key=lambda pin: pin.until, reverse=True)[:_MOST_PINS]
    return [{**asdict(pin), "until": pin.until.isoformat()} for pin in shown]
