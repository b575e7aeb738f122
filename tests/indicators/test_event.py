from __future__ import annotations

from dataclasses import replace

from indicators.event import Evidence, of_verdict
from indicators.json_fields import MAX_TEXT
from indicators.observation import Observation
from indicators.verdict import Verdict
from indicators.words import Action, Category, Enforcement, Severity, Stage
from tests.indicators.event_samples import DEVICE, NOW, an_event


def test_an_event_carries_the_evidence_of_its_verdict() -> None:
    event = an_event()
    assert (event.host, event.category, event.severity, event.title) == (
        "www.evil.example",
        Category.PHISHING,
        Severity.MEDIUM,
        "Bank phish",
    )
    assert event.matches == (
        Evidence(
            "evil.example", "domain", Action.BLOCK, "feed-a", Category.PHISHING, "www.evil.example", "Bank phish", 7
        ),
    )


def test_long_texts_from_the_network_are_cut() -> None:
    seen = Observation(Stage.HTTP, DEVICE, hosts=("a.example",), url="https://a.example/" + "x" * 10_000)
    event = of_verdict("e1", NOW, "gw", seen, Verdict(Action.AUDIT, "r"), Enforcement.PASSED)
    assert len(event.url) == MAX_TEXT
    assert event.url.endswith("…")
    assert event.title == ""


def test_the_destination_is_name_then_address_then_hash() -> None:
    event = an_event()
    assert event.destination == "www.evil.example"
    nameless = replace(event, host="")
    assert nameless.destination == "203.0.113.7"
    assert replace(nameless, addresses=()).destination == "ab" * 32
    assert replace(nameless, addresses=(), hashes=()).destination == ""
