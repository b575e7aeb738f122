"""An index in memory, for custom indicators and the test feed: dictionaries, made once, never changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from indicators.index import IndexCounts
from indicators.indicator import Indicator
from indicators.observation import Address
from indicators.verdict import Match

if TYPE_CHECKING:
    from indicators.urls import CanonicalUrl


class MemoryIndex:
    """Implement `IndicatorIndex` over the indicators given."""

    def __init__(self, indicators: Iterable[Indicator] = ()) -> None:
        raise NotImplementedError

    def mentions(self, host: str) -> bool:
        """Say whether anything stands on this host or a parent of it."""
        raise NotImplementedError

    def on_host(self, host: str) -> tuple[Match, ...]:
        """Return the domains and host-only URLs that cover this host."""
        raise NotImplementedError

    def on_url(self, url: CanonicalUrl) -> tuple[Match, ...]:
        """Return the URL indicators with a path that cover this URL."""
        raise NotImplementedError

    def on_address(self, address: Address) -> tuple[Match, ...]:
        """Return the addresses and networks that hold this address."""
        raise NotImplementedError

    def on_hash(self, digest: str) -> tuple[Match, ...]:
        """Return the indicators of this file hash."""
        raise NotImplementedError

    def on_certificate(self, thumbprint: str) -> tuple[Match, ...]:
        """Return the indicators of this certificate."""
        raise NotImplementedError

    def urls_under(self, host: str) -> tuple[Match, ...]:
        """Return URL indicators with a path that could be met on this host."""
        raise NotImplementedError

    def counts(self) -> IndexCounts:
        """Return how many indicators there are."""
        raise NotImplementedError
