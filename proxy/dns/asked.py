"""The two values that travel the resolver's chain: what was asked by whom, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from indicators.verdict import Verdict
from indicators.words import Visibility
from proxy.dns.answers import Body, ExtendedError
from proxy.dns.clients import Client
from proxy.dns.exchange import Question
from proxy.dns.question import Query
from proxy.dns.records import NO_EVIDENCE, Evidence
from proxy.dns.reports import Sighting


@dataclass(slots=True)
class Asked:
    """Hold one question on its way. `reach` is the most that the gateway can see of this device's connection.

    `told` says that somebody else reports the verdict: an inspector that asks for a connection of its own.
    """

    query: Query
    client: Client
    now: float
    reach: Visibility = Visibility.DNS
    told: bool = False
    vouched: bool = False  # a custom indicator allows the name
    sighting: Sighting | None = None  # of a verdict that let the question pass
    question: Question | None = None  # as an upstream is asked, once that is known


class Outcome(NamedTuple):
    """Hold what is to be answered. `holds` is for how many seconds the same question gets the same answer.

    `counts_down` tells answers whose TTLs run from those that always say the same; `verdict` is set where it stopped
    the question, and `led_to` then holds the names and addresses that were judged beside the one asked for. `by_name`
    says that the name alone was the reason, and nothing that ends by itself.
    """

    body: Body
    age: int = 0
    holds: float = 0.0
    counts_down: bool = False
    error: ExtendedError | None = None
    sighting: Sighting | None = None
    verdict: Verdict | None = None
    led_to: Evidence = NO_EVIDENCE
    by_name: bool = False
