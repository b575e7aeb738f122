"""Public suffixes: names below which anyone may register, so that nothing may be said of them as one site.

The list is the one in the package publicsuffixlist, its private section included (github.io, workers.dev ...); nothing
is fetched. Hosts are canonical, as `hosts.canonical_host` gives them.
"""

from __future__ import annotations

from functools import cache

from publicsuffixlist import PublicSuffixList

from indicators.hosts import is_address


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()  # 40 ms, once


def is_public_suffix(host: str) -> bool:
    """Say whether a host is a public suffix itself; so is a single label that the list does not know."""
    return not is_address(host) and bool(_suffixes().is_public(host))


def registrable_domain(host: str) -> str | None:
    """Return the public suffix of a host and one label more; nothing for a public suffix or an address."""
    return None if is_address(host) else _suffixes().privatesuffix(host)
