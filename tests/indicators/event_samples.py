"""One event, as the gateway makes it of a verdict."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address

from indicators.event import VerdictEvent, of_verdict
from indicators.indicator import Indicator, Origin
from indicators.observation import Device, Observation
from indicators.verdict import Match, Scope, Verdict
from indicators.words import Action, Category, Enforcement, IdentifiedBy, IndicatorType, Severity, Stage

NOW = datetime(2026, 11, 23, 10, 0, 0, 123000, tzinfo=UTC)
DEVICE = Device("d1", "phone", "kids", IdentifiedBy.TOKEN, "10.0.0.7", "dns")
BAD = Indicator(
    "evil.example",
    IndicatorType.DOMAIN,
    Action.BLOCK,
    Origin("feed-a", custom=False, place="feed-a", line=7),
    Category.PHISHING,
    title="Bank phish",
    severity=Severity.MEDIUM,
)


def an_event() -> VerdictEvent:
    seen = Observation(
        Stage.HTTP,
        DEVICE,
        hosts=("www.evil.example",),
        url="https://www.evil.example/login",
        addresses=(ip_address("203.0.113.7"),),
        port=443,
        hashes=("ab" * 32,),
        user_agent="curl/8",
    )
    match = Match(BAD, "www.evil.example", Scope.PARENT_DOMAIN, 2, Action.BLOCK, guard="")
    return of_verdict("e1", NOW, "gw", seen, Verdict(Action.BLOCK, "listed", (match,), alert=True), Enforcement.PAGE)
