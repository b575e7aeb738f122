"""Two indexes for device groups: another index with some of its matches left out, and one that matches everything.

Which matches those are is decided in `groups.py`.
"""

from __future__ import annotations

from collections.abc import Callable

from indicators.index import IndexCounts, IndicatorIndex
from indicators.indicator import Indicator
from indicators.observation import Address
from indicators.urls import CanonicalUrl
from indicators.verdict import Match, Scope

type Keeps = Callable[[Match], bool]


class SelectedIndex:
    """Answer as another index does, but for the matches that `keeps` does not want.

    Of URLs under a host an index names one for many: those are asked `keeps_under` where that is given.
    """

    __slots__ = ("_index", "_keeps", "_keeps_under", "counts", "mentions")

    def __init__(self, index: IndicatorIndex, keeps: Keeps, keeps_under: Keeps | None = None) -> None:
        self._index = index
        self._keeps = keeps
        self._keeps_under = keeps_under or keeps
        self.counts = index.counts
        self.mentions = index.mentions  # may say yes in vain

    def on_host(self, host: str) -> tuple[Match, ...]:
        """Return the domains and host-only URLs that cover this host."""
        return self._kept(self._index.on_host(host))

    def on_url(self, url: CanonicalUrl) -> tuple[Match, ...]:
        """Return the URL indicators with a path that cover this URL."""
        return self._kept(self._index.on_url(url))

    def on_address(self, address: Address) -> tuple[Match, ...]:
        """Return the addresses and networks that hold this address."""
        return self._kept(self._index.on_address(address))

    def on_hash(self, digest: str) -> tuple[Match, ...]:
        """Return the indicators of this file hash."""
        return self._kept(self._index.on_hash(digest))

    def on_certificate(self, thumbprint: str) -> tuple[Match, ...]:
        """Return the indicators of this certificate."""
        return self._kept(self._index.on_certificate(thumbprint))

    def urls_under(self, host: str) -> tuple[Match, ...]:
        """Return URL indicators with a path that could be met on this host."""
        return tuple(filter(self._keeps_under, self._index.urls_under(host)))

    def _kept(self, matches: tuple[Match, ...]) -> tuple[Match, ...]:
        return tuple(filter(self._keeps, matches)) if matches else matches


class Everything:
    """Match every host and address with the same indicators, less specific than any other."""

    __slots__ = ("_indicators",)

    def __init__(self, indicators: tuple[Indicator, ...]) -> None:
        self._indicators = indicators

    def mentions(self, host: str) -> bool:
        """Say yes."""
        return True

    def on_host(self, host: str) -> tuple[Match, ...]:
        """Return them all."""
        return tuple(Match(one, host, Scope.NETWORK, 0, one.action) for one in self._indicators)

    def on_url(self, url: CanonicalUrl) -> tuple[Match, ...]:
        """Return nothing: the host has said it."""
        return ()

    def on_address(self, address: Address) -> tuple[Match, ...]:
        """Return them all."""
        return self.on_host(str(address))

    def on_hash(self, digest: str) -> tuple[Match, ...]:
        """Return nothing: a file comes from somewhere."""
        return ()

    def on_certificate(self, thumbprint: str) -> tuple[Match, ...]:
        """Return nothing."""
        return ()

    def urls_under(self, host: str) -> tuple[Match, ...]:
        """Return nothing."""
        return ()

    def counts(self) -> IndexCounts:
        """Return what makes a classifier ask for hosts and addresses."""
        return IndexCounts(hosts=1, addresses=1)
