"""Observations and verdicts to report, and a collector that records what it is sent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from indicators.event_wire import from_json
from indicators.indicator import Indicator, Origin
from indicators.observation import Device, Observation
from indicators.verdict import CLEAN, Match, Scope, Verdict
from indicators.words import Action, Category, IndicatorType
from proxy.reporting.outcome import Delivered, Outcome

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DEVICE = Device("device-1", "a phone", address="10.0.2.15", listener="http")


def seen(host: str = "login.evil.co.uk", device: Device = DEVICE, **more: object) -> Observation:
    from indicators.words import Stage

    return Observation(Stage.HTTP, device, hosts=(host,), url=f"http://{host}/a?b", **more)  # type: ignore[arg-type]


def blocked(value: str = "evil.co.uk") -> Verdict:
    origin = Origin("a-feed", custom=False)
    indicator = Indicator(value, IndicatorType.DOMAIN, Action.BLOCK, origin, Category.PHISHING, title="Evil shop")
    match = Match(indicator, f"login.{value}", Scope.PARENT_DOMAIN, 2, Action.BLOCK)
    return Verdict(Action.BLOCK, f"{value} is listed by a-feed", (match,), alert=True)


__all__ = ["CLEAN", "DEVICE", "NOW", "Recorder", "blocked", "seen"]


class Recorder:
    """Take events as a collector does, and keep them; answers handed in come first."""

    def __init__(self, *answers: Outcome) -> None:
        self.answers = list(answers)
        self.batches: list[int] = []
        self.events: dict[str, dict[str, object]] = {}
        self.times_seen: dict[str, int] = {}

    async def deliver(self, payloads: Sequence[bytes]) -> Outcome:
        self.batches.append(len(payloads))
        if self.answers:
            return self.answers.pop(0)
        for payload in payloads:
            body = json.loads(payload)
            from_json(body)
            self.events[body["id"]] = body
            self.times_seen[body["id"]] = self.times_seen.get(body["id"], 0) + 1
        return Delivered()

    def of_kind(self, kind: str) -> list[dict[str, object]]:
        return [event for event in self.events.values() if event["kind"] == kind]
