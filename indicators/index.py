"""What every store of indicators can be asked, whether it is dictionaries in memory or a mapped snapshot.

An index answers with matches and nothing else: whether an indicator has expired, is meant for this device or is
outranked is decided in `decide.py`.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Protocol

from indicators.observation import Address
from indicators.urls import CanonicalUrl
from indicators.verdict import Match

MAX_URLS_UNDER = 16  # answers of `urls_under`


type Glance = tuple[Hashable, tuple[int, ...]]
"""What is listed on a host, short of indicators: a kind, and for each match the length of its name and its line.

Where two hosts have equal kinds, the same feeds say the same of both: their matches differ in names and lines alone.
The names are the last so many characters of the host; the matches stand in the order of `on_host`.
"""


@dataclass(frozen=True, slots=True)
class IndexCounts:
    """Count the indicators of one index, by what they describe."""

    hosts: int = 0
    urls: int = 0  # with a path
    addresses: int = 0
    hashes: int = 0
    certificates: int = 0

    @property
    def total(self) -> int:
        """Return the number of all indicators."""
        return self.hosts + self.urls + self.addresses + self.hashes + self.certificates


class IndicatorIndex(Protocol):
    """Find the indicators that meet one observable. Arguments are canonical; answers are in no order unless said."""

    def mentions(self, host: str) -> bool:
        """Say whether anything, a host or a path, stands on this host or on a parent of it.

        This is the way of nearly all traffic, so it must be one look. It may say yes in vain; it never says no where
        `on_host`, `on_url` or `urls_under` would find something.
        """
        ...

    def on_host(self, host: str) -> tuple[Match, ...]:
        """Return the domains and host-only URLs that cover this host: its own and those of its parents."""
        ...

    def on_url(self, url: CanonicalUrl) -> tuple[Match, ...]:
        """Return the URL indicators with a path that cover this URL, on its host and on parents of it.

        A value is a prefix that ends at a boundary: the URL's end, or before or after one of `/`, `?` and `&`.
        """
        ...

    def on_address(self, address: Address) -> tuple[Match, ...]:
        """Return the addresses and networks that hold this address."""
        ...

    def on_hash(self, digest: str) -> tuple[Match, ...]:
        """Return the indicators of this file hash (lower-case hex)."""
        ...

    def on_certificate(self, thumbprint: str) -> tuple[Match, ...]:
        """Return the indicators of this certificate (SHA-1, lower-case hex)."""
        ...

    def urls_under(self, host: str) -> tuple[Match, ...]:
        """Return URL indicators with a path that could be met on this host (or on a parent of it), strongest first.

        They tell that deeper sight is needed. At most `MAX_URLS_UNDER` of a feed's are wanted; where some are left
        out, every action that occurs must still be represented. The observable of such a match is the host.
        """
        ...

    def counts(self) -> IndexCounts:
        """Return how many indicators there are."""
        ...


class EdgedIndex(IndicatorIndex, Protocol):
    """An index that can tell where its addresses lie."""

    def address_edges(self, version: int) -> Iterable[int]:
        """Return, as numbers, the addresses of an IP version at which what is known changes."""
        ...
