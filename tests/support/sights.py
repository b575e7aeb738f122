"""Make indicators, observations and verdicts for tests in one line each."""

from __future__ import annotations

from typing import Any

from indicators.indicator import Indicator, Origin
from indicators.observation import Device, Observation
from indicators.verdict import Match, Scope, Verdict
from indicators.words import Action, Category, IndicatorType, Stage

PHONE = Device("device-1", "a phone", address="127.0.0.1", listener="http")
FEED = Origin("test-feed", custom=False)
CUSTOM = Origin("custom", custom=True, place="config.yaml", line=12)


def indicator(value: str, action: Action = Action.BLOCK, origin: Origin = FEED, **more: Any) -> Indicator:
    kind = IndicatorType.URL if "/" in value else IndicatorType.DOMAIN
    return Indicator(value, kind, action, origin, **{"category": Category.PHISHING, **more})


def verdict(what: Indicator | None, action: Action | None = None, **more: Any) -> Verdict:
    if what is None:
        return Verdict(action or Action.ALLOW, more.pop("reason", "nothing known"), **more)
    match = Match(what, what.value, Scope.EXACT_HOST, 2, what.action)
    return Verdict(action or what.action, f"{what.value} is listed", (match,), **more)


def seen(url: str = "https://evil.test/login", stage: Stage = Stage.HTTP, **more: Any) -> Observation:
    host = url.split("/")[2].partition(":")[0]
    return Observation(stage, PHONE, **{"hosts": (host,), "url": url, **more})
