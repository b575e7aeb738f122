"""The places of each client among all that the front has, so that one cannot take them all.

As long as there is room anyone may have it. Of the last quarter of the places nobody gets any who has a quarter of them
all already: so there is always one for the others. Clients are told apart by address; the network of an IPv6 address
would say less, for a whole household is one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address

from indicators.addresses import unmap

_REMEMBERED = 4096  # addresses


class Shares:
    """Count places; `most` is how many there are."""

    def __init__(self, most: int) -> None:
        self._plenty = most - most // 4
        self._share = max(1, most // 4)
        self._held: dict[str, int] = {}

    def take(self, address: str) -> Callable[[], None]:
        """Count a place for an address; call what is returned, once, when it is free again."""
        who = client_of(address)
        self._held[who] = self._held.get(who, 0) + 1

        def leave() -> None:
            left = self._held[who] - 1
            if left:
                self._held[who] = left
            else:
                del self._held[who]

        return leave

    def is_beyond(self, address: str, taken: int) -> bool:
        """Say whether an address has more than its share while few places are left; `taken` of all are."""
        return taken > self._plenty and self._held.get(client_of(address), 0) > self._share


@lru_cache(_REMEMBERED)
def client_of(address: str) -> str:
    """Return what tells clients apart: the address, however it is written. What is none stands for itself."""
    try:
        return str(unmap(ip_address(address)))
    except ValueError:
        return address
