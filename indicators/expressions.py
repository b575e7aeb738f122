"""Safe Browsing host-suffix and path-prefix expressions: at most thirty lookups that find any indicator for a URL.

The rules of v5: host suffixes start at the registrable domain, so that no public suffix is ever looked up. Source:
developers.google.com/safe-browsing/reference/URLs.and.Hashing.
"""

from __future__ import annotations

from functools import lru_cache

from indicators.public_suffix import registrable_domain
from indicators.urls import CanonicalUrl

_MAX_PARENTS = 4
_MAX_FOLDERS = 4


def expressions(url: CanonicalUrl) -> tuple[str, ...]:
    """Return every `host/path` under which a list may hold this URL, the closest first, each once."""
    paths = path_prefixes(url.path, url.query)
    return tuple([host + path for host in host_suffixes(url.host) for path in paths])


@lru_cache(maxsize=4096)
def host_suffixes(host: str) -> tuple[str, ...]:
    """Return a canonical host, then at most four parents of it, the longest first, down to its registrable domain."""
    domain = registrable_domain(host)
    if domain is None or domain == host:
        return (host,)
    found = [domain]
    at = len(host) - len(domain) - 1
    while len(found) < _MAX_PARENTS and (at := host.rfind(".", 0, at)) >= 0:
        found.append(host[at + 1 :])
    found.append(host)
    return tuple(found[::-1])


def path_prefixes(path: str, query: str | None) -> tuple[str, ...]:
    """Return path and query, the path, then the first four folders from `/` on, each with its slash and each once."""
    found = [path] if query is None else [f"{path}?{query}", path]
    at = 0
    for _ in range(_MAX_FOLDERS):
        folder = path[: at + 1]
        if folder != path:
            found.append(folder)
        at = path.find("/", at + 1)
        if at < 0:
            break
    return tuple(found)
