from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from collector.gateway_status import read_status
from indicators.overlay import Overlay, Pin
from proxy.config.model import Config
from proxy.feeds.status import FeedState, FeedStatus
from proxy.policy import LivePolicy
from proxy.published_overlay import publish
from proxy.reporting.delivery import DeliveryState
from proxy.state import StateDir
from proxy.supervisor import panel
from proxy.supervisor.status import describe, for_collector

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ENDS = {
    "http_proxy": "127.0.0.1:8080",
    "socks": "127.0.0.1:1080",
    "dns": "127.0.0.1:5053",
    "collector": "http://127.0.0.1:8088",
    "ca": "/state/ca.pem",
}


class Feeds:
    """An updater at rest."""

    ready = True

    def __init__(self, *states: FeedState, compiling: bool = False, last_error: str = "") -> None:
        self.compiling, self.last_error = compiling, last_error
        self._states = states

    def status(self) -> list[FeedStatus]:
        return [
            FeedStatus(f"feed-{state}", state, "", "path", "domains", "phishing", "block", 7, 7, 0, 0, NOW, NOW)
            for state in self._states
        ]

    async def run(self) -> None:
        raise NotImplementedError


def made(
    tmp_path: Path, overlay: Overlay, feeds: Feeds, errors: tuple[str, ...] = (), **settings: Any
) -> dict[str, Any]:
    state = StateDir(tmp_path / "state")
    state.prepare()
    publish(state.overlay, overlay)
    config = Config.model_validate(settings)
    policy = LivePolicy(config, state, lambda: NOW)
    policy.load()
    common = describe(config, policy, feeds, DeliveryState(), errors, NOW)
    return {**common, "gateway": "g", "endpoints": ENDS}


def test_url_indicators_wait_until_a_device_trusts_the_ca(tmp_path: Path) -> None:
    waiting = made(tmp_path, Overlay(1), Feeds())
    assert waiting["waiting_for_ca"] > 0
    assert made(tmp_path, Overlay(2, trusted_devices=frozenset({"d"})), Feeds())["waiting_for_ca"] == 0
    assert made(tmp_path, Overlay(3), Feeds(), inspect_untrusted=True)["waiting_for_ca"] == 0


@pytest.mark.parametrize("state", list(FeedState))
def test_the_collector_takes_every_state_of_a_feed(tmp_path: Path, state: FeedState) -> None:
    found = read_status(for_collector(made(tmp_path, Overlay(1), Feeds(state), ("config.yaml:3: wrong",))))
    assert (found.feeds[0].entries, found.errors, found.gateway) == (7, ("config.yaml:3: wrong",), "g")
    assert found.endpoints == ENDS


def test_a_pause_is_told_until_it_ends(tmp_path: Path) -> None:
    later = NOW + timedelta(minutes=5)
    assert made(tmp_path, Overlay(1, paused_until=later), Feeds())["paused_until"] == later.isoformat()
    assert made(tmp_path, Overlay(2, paused_until=NOW), Feeds())["paused_until"] is None


def test_what_went_wrong_with_feeds_is_among_the_errors(tmp_path: Path) -> None:
    assert made(tmp_path, Overlay(1), Feeds(last_error="no memory"), ("one",))["errors"] == ["one", "no memory"]


def test_the_collector_is_told_of_the_apps_that_pin_longest(tmp_path: Path) -> None:
    pins = [Pin("d", f"{n}.test", "t13", NOW + timedelta(microseconds=n), "phone") for n in range(201)]
    found = read_status(for_collector(made(tmp_path, Overlay(1), Feeds()), pins))
    assert (found.pins, len(found.pinned)) == (201, 200)
    first, last = found.pinned[0], found.pinned[-1]
    assert (first.device, first.name, first.host, first.ja4) == ("d", "phone", "200.test", "t13")
    assert (first.until, last.host) == (NOW + timedelta(microseconds=200), "1.test")


def test_the_panel_says_where_to_point_things(tmp_path: Path) -> None:
    output = io.StringIO()
    status = made(tmp_path, Overlay(1), Feeds(FeedState.STALE, FeedState.FRESH), ("config.yaml:3: [bold]wrong[/bold]",))
    panel.show(status, Console(file=output, width=160))
    text = output.getvalue()
    for word in ("10.0.2.2:8080", "127.0.0.1:1080", "127.0.0.1:5053", "/state/ca.pem", "http://127.0.0.1:8088"):
        assert word in text
    for word in ("feed-stale stale", "wait for a device to trust the CA", "[bold]wrong[/bold]"):
        assert word in text


@pytest.mark.parametrize(
    ("feeds", "text"),
    [
        (Feeds(), "none configured"),
        (Feeds(FeedState.FRESH, FeedState.DISABLED), "2 fresh"),
        (Feeds(FeedState.WAITING, compiling=True), "compiling (1 configured)"),
        (Feeds(FeedState.FAILING), "feed-failing failing"),
    ],
)
def test_feeds_in_a_word(tmp_path: Path, feeds: Feeds, text: str) -> None:
    assert dict(panel.rows(made(tmp_path, Overlay(1), feeds)))["Feeds"] == text


def test_audit_mode_is_not_passed_over(tmp_path: Path) -> None:
    status = made(tmp_path, Overlay(1), Feeds(), policy={"mode": "audit"}, inspect_untrusted=True)
    rows = dict(panel.rows(status))
    assert "nothing is blocked" in rows["Mode"]
    assert "wait" not in rows["Indicators"]
