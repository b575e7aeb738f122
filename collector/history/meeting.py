"""Say which of some indicators one kept event met, as the classifier would have; hidden events by their keyed hashes.

Pure: rows in, verdicts out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from ipaddress import ip_address
from typing import Any

from indicators.classifier import Classifier
from indicators.event import VerdictEvent
from indicators.event_wire import from_json
from indicators.hosts import is_address
from indicators.indicator import Indicator
from indicators.keyed_hash import keyed_hash
from indicators.memory_index import MemoryIndex
from indicators.observation import Address, Observation
from indicators.settings import PolicySettings
from indicators.words import Action, IndicatorType, Visibility

_HASHES = (IndicatorType.SHA256, IndicatorType.SHA1, IndicatorType.MD5)


class Meeting:
    """Judge kept events by a few indicators alone. `key` reads events of installations that hide destinations.

    `hosts` holds the indicators that hashed sightings can tell of, by the hash that stands for each.
    """

    def __init__(self, indicators: Sequence[Indicator], key: bytes = b"") -> None:
        index = MemoryIndex(indicators)
        self._mentions = index.mentions
        self._classifier = Classifier(index, [], PolicySettings())
        self._hidden = {keyed_hash(key, one.value): one for one in indicators if key and _has_hash(one)}
        self.hosts = {digest: one for digest, one in self._hidden.items() if one.type not in _HASHES}
        self.needs_all = any(one.type not in (IndicatorType.DOMAIN, IndicatorType.URL) for one in indicators)

    def may_meet(self, destination: str) -> bool:
        """Say whether events of a destination are worth a look; only where not all are looked at (`needs_all`)."""
        return self._mentions(destination) or any(part in self._hidden for part in destination.split("."))

    def met(self, body: Mapping[str, Any], now: datetime) -> tuple[Action, Indicator] | None:
        """Return what these indicators would have done with an event, and which one decided; nothing for none."""
        event = from_json(body)
        if event.hidden:
            return self._met_hidden(event)
        verdict = self._classifier.judge(_observation(event), now)
        winner = verdict.winner
        return (verdict.action, winner) if winner else None

    def _met_hidden(self, event: VerdictEvent) -> tuple[Action, Indicator] | None:
        """Look the hashes up: the host's own comes first, so the first that is met is the most specific."""
        for digest in (*event.host.split("."), *event.addresses, *event.hashes):
            if found := self._hidden.get(digest):
                return found.action, found
        return None


def _has_hash(one: Indicator) -> bool:
    """Say whether an indicator's value itself is what is hashed: paths and networks are not."""
    return (
        one.type is IndicatorType.DOMAIN
        or one.type in _HASHES
        or (one.type is IndicatorType.IP and "/" not in one.value)
    )


def _observation(event: VerdictEvent) -> Observation:
    return Observation(
        stage=event.stage,
        device=event.device,
        hosts=(event.host,) if event.host else (),
        url=event.url or None,
        addresses=_addresses(event.addresses),
        port=event.port,
        hashes=event.hashes,
        reach=Visibility.BODY,
    )


def _addresses(texts: Sequence[str]) -> tuple[Address, ...]:
    return tuple(ip_address(text) for text in texts if is_address(text))
