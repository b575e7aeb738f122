"""Which way a TLS connection goes: the design's *Inspect only where it is welcome*, as one pure function."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from indicators.verdict import Verdict


class Route(StrEnum):
    """Name the three ways."""

    SPLICE = "splice"  # relay bytes untouched
    INSPECT = "inspect"  # decrypt through mitmproxy
    TERMINATE = "terminate"  # close: TLS alert access_denied, or a plain 403 to CONNECT


@dataclass(frozen=True, slots=True)
class InspectLists:
    """Hold `inspect`, `never_inspect` and `inspect_untrusted` of the configuration; hosts cover their subdomains."""

    inspect: frozenset[str] = frozenset()
    never_inspect: frozenset[str] = frozenset()
    inspect_untrusted: bool = False

    @classmethod
    def of(cls, inspect: Iterable[str], never_inspect: Iterable[str], inspect_untrusted: bool = False) -> InspectLists:
        """Make the lists from what the user wrote. Raises ValueError naming the host that is none."""
        raise NotImplementedError


def route(verdict: Verdict, host: str, trusts_ca: bool, lists: InspectLists, *, refuses_ca: bool = False) -> Route:
    """Choose the way of one connection to `host`; `refuses_ca` where this device is known to refuse our CA."""
    raise NotImplementedError
