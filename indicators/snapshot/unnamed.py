"""What a snapshot lists without naming it: expressions over host names, and hashes of URLs. Most snapshots have none.

A hash list is looked into with every Safe Browsing expression of what is seen. A hash tells no host, so no connection
is decrypted for its sake: a hash of a host counts everywhere, one with a path where the URL is seen anyhow.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from indicators.expressions import host_suffixes, path_prefixes
from indicators.hosts import is_address
from indicators.public_suffix import is_public_suffix
from indicators.snapshot.evidence import Evidence
from indicators.snapshot.patterns import Patterns
from indicators.snapshot.url_hashes import UrlHashes
from indicators.urls import CanonicalUrl
from indicators.verdict import Match, Scope


class Unnamed:
    """Find matches of expressions and hashes. False where the snapshot has none."""

    __slots__ = ("_evidence", "_hashes", "_patterns", "_words")

    def __init__(self, sections: Mapping[str, memoryview], evidence: Evidence) -> None:
        self._evidence = evidence
        self._patterns = Patterns(json.loads(bytes(sections.get("patterns", b"[]"))))
        self._words = sections["patterns.words"].cast("I") if self._patterns.texts else memoryview(b"")
        self._hashes = UrlHashes(sections)

    def __bool__(self) -> bool:
        return bool(self._patterns.texts or self._hashes)

    def may_meet(self, host: str) -> bool:
        """Say whether a match on this host, or on a URL of it, is possible."""
        return bool(self._hashes) or bool(self._meeting(host))

    def _meeting(self, host: str) -> list[int]:
        return [] if not self._patterns.texts or is_address(host) else self._patterns.meeting(host)

    def on_host(self, host: str) -> Iterator[Match]:
        """Yield the matches of a canonical host."""
        for number in self._meeting(host):
            yield from self._evidence.on_pattern(self._words[number], host, is_public_suffix(host))
        if self._hashes:
            for name in host_suffixes(host):
                scope = Scope.EXACT_HOST if name == host else Scope.PARENT_DOMAIN
                yield from self._on_expression(name + "/", host, scope, name.count(".") + 1)

    def on_url(self, url: CanonicalUrl) -> Iterator[Match]:
        """Yield the matches of a URL's expressions with a path; those without one are the host's."""
        if not self._hashes:
            return
        paths = [path for path in path_prefixes(url.path, url.query) if path != "/"]
        for name in host_suffixes(url.host):
            for path in paths:
                yield from self._on_expression(name + path, url.expression, Scope.URL, len(path))

    def _on_expression(self, expression: str, seen: str, scope: Scope, length: int) -> Iterator[Match]:
        for word in self._hashes.words(expression):
            for profile, record in self._evidence.found(word):
                yield self._evidence.match(profile, record, expression, seen, scope, length)
