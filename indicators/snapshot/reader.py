"""Answer from a mapped snapshot: `IndicatorIndex` over a buffer that several processes share.

A miss costs one walk of the trie and makes no object that stays. Nothing is copied out of the buffer when it is opened,
so whoever holds the mapping must keep it for as long as the `Snapshot` lives; it holds a view of it itself.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator
from datetime import datetime

import marisa_trie

from indicators.addresses import unmap
from indicators.expressions import host_suffixes
from indicators.index import IndexCounts
from indicators.observation import Address
from indicators.snapshot import profiles
from indicators.snapshot.cells import CellReader
from indicators.snapshot.evidence import Evidence, Found
from indicators.snapshot.keys import ends_at_boundary, host_key, host_of, network_text
from indicators.snapshot.layout import Buffer, SnapshotError, unpack
from indicators.snapshot.profiles import FeedNote
from indicators.snapshot.rows import Rows
from indicators.urls import CanonicalUrl
from indicators.verdict import Match, Scope

_MAX_REMEMBERED = 1024  # hosts whose `urls_under` is kept
_HASHES = {32: ("md5", Scope.MD5), 40: ("sha1", Scope.SHA1), 64: ("sha256", Scope.SHA256)}  # by hex digits


class Snapshot:
    """Hold one mapped snapshot, opened. Raises SnapshotError when the buffer is not one."""

    def __init__(self, buffer: Buffer) -> None:
        self._sections = unpack(buffer)
        try:
            self._open()
        except (KeyError, ValueError, TypeError, RuntimeError, IndexError) as error:
            raise SnapshotError(f"the snapshot is damaged: {error!r}") from error

    def _open(self) -> None:
        meta = json.loads(bytes(self._sections["meta"]))
        self.built = datetime.fromisoformat(meta["built"])
        self.inputs: str = meta["inputs"]
        self.feeds = tuple(FeedNote(**feed) for feed in meta["feeds"])
        self._counts = IndexCounts(**meta["counts"])
        cells = CellReader(self._numbers("wide"), self._numbers("groups"), self._numbers("members"))
        described = [profiles.from_json(profile) for profile in meta["profiles"]]
        self._evidence = Evidence(cells, described, self.feeds)
        self._trie = marisa_trie.Trie().map(self._sections["names"])
        self._words = self._numbers("names.words")
        self._v4, self._v4_words = self._numbers("v4"), self._numbers("v4.words")
        self._v6, self._v6_words = Rows(self._sections["v6"], 16), self._numbers("v6.words")
        self._last: tuple[str, list[tuple[str, int]]] = ("", [])
        self._under: dict[str, tuple[Match, ...]] = {}
        if len(self._trie) != len(self._words):
            raise SnapshotError("the snapshot is damaged: its names and their words differ in number")

    def _numbers(self, name: str) -> memoryview:
        return self._sections[name].cast("I")

    def _walk(self, host: str) -> list[tuple[str, int]]:
        """Return the keys on a host and its parents, with their numbers; the last host asked is remembered."""
        last, keys = self._last
        if last == host:
            return keys
        keys = list(self._trie.iter_prefixes_with_ids(host_key(host)))
        self._last = (host, keys)
        return keys

    def mentions(self, host: str) -> bool:
        """Say whether anything stands on this host or a parent of it."""
        return bool(self._walk(host))

    def on_host(self, host: str) -> tuple[Match, ...]:
        """Return the domains and host-only URLs that cover this host, its own first."""
        keys = self._walk(host)
        return tuple(self._host_matches(host, keys)) if keys else ()

    def _host_matches(self, host: str, keys: list[tuple[str, int]]) -> Iterator[Match]:
        for key, at in reversed(keys):
            name = host_of(key)
            scope = Scope.EXACT_HOST if name == host else Scope.PARENT_DOMAIN
            for found in self._evidence.found(self._words[at]):
                if found.profile.is_marker or (found.profile.exact and name != host):
                    continue
                value = name + "/" if found.profile.type == "url" else name
                yield self._evidence.match(found, value, host, scope, name.count(".") + 1)

    def on_url(self, url: CanonicalUrl) -> tuple[Match, ...]:
        """Return the URL indicators with a path that cover this URL, on its Safe Browsing host suffixes."""
        hosts = self._hosts_with_urls(url.host)
        if not hosts:
            return ()
        seen = url.expression
        target = seen[len(url.host) :]
        return tuple(match for name, key in hosts for match in self._url_matches(name, key, target, seen))

    def _hosts_with_urls(self, host: str) -> list[tuple[str, str]]:
        """Return (host, key) of the host and those parents that have URL indicators with a path, longest first."""
        marked = [key for key, at in self._walk(host) if self._markers(at)]
        if not marked:
            return []
        suffixes = host_suffixes(host)
        return [(name, key) for key in reversed(marked) if (name := host_of(key)) in suffixes]

    def _markers(self, at: int) -> list[Found]:
        return [found for found in self._evidence.found(self._words[at]) if found.profile.is_marker]

    def _url_matches(self, name: str, host_key: str, target: str, seen: str) -> Iterator[Match]:
        for key, at in reversed(list(self._trie.iter_prefixes_with_ids(host_key + target))):
            length = len(key) - len(host_key)
            if length <= 0 or not ends_at_boundary(target, length):
                continue
            for found in self._evidence.found(self._words[at]):
                if not found.profile.exact or length == len(target):
                    yield self._evidence.match(found, name + key[len(host_key) :], seen, Scope.URL, length)

    def on_address(self, address: Address) -> tuple[Match, ...]:
        """Return the networks that hold this address, narrowest first; IPv4 inside IPv6 is seen through."""
        real = unmap(address)
        word = self._v4_word(int(real)) if real.version == 4 else self._v6_word(real.packed)
        return tuple(self._address_matches(word, address, real)) if word else ()

    def _v4_word(self, number: int) -> int:
        at = bisect_right(self._v4, number) - 1
        return self._v4_words[at] if at >= 0 else 0

    def _v6_word(self, packed: bytes) -> int:
        at = bisect_right(self._v6, packed) - 1
        return self._v6_words[at] if at >= 0 else 0

    def _address_matches(self, word: int, address: Address, real: Address) -> Iterator[Match]:
        for found in self._evidence.found(word):
            bits = found.profile.bits
            value = network_text(real, bits)
            yield self._evidence.match(found, value, str(address), Scope.NETWORK, bits)

    def on_hash(self, digest: str) -> tuple[Match, ...]:
        """Return the indicators of this file hash (lower-case hex)."""
        table, scope = _HASHES.get(len(digest), ("", Scope.SHA256))
        return self._on_digest(table, digest, scope) if table else ()

    def on_certificate(self, thumbprint: str) -> tuple[Match, ...]:
        """Return the indicators of this certificate (SHA-1, lower-case hex)."""
        return self._on_digest("certificate", thumbprint, Scope.CERTIFICATE) if len(thumbprint) == 40 else ()

    def _on_digest(self, table: str, digest: str, scope: Scope) -> tuple[Match, ...]:
        at = Rows(self._sections[table], len(digest) // 2).find(bytes.fromhex(digest))
        if at < 0:
            return ()
        word = self._numbers(table + ".words")[at]
        return tuple(
            self._evidence.match(found, digest, digest, scope, len(digest)) for found in self._evidence.found(word)
        )

    def urls_under(self, host: str) -> tuple[Match, ...]:
        """Return a URL indicator of each feed and action that could be met on this host, strongest first."""
        if not self._walk(host):
            return ()
        known = self._under.get(host)
        if known is None:
            known = self._representatives(host)
            if len(self._under) >= _MAX_REMEMBERED:
                self._under.clear()
            self._under[host] = known
        return known

    def _representatives(self, host: str) -> tuple[Match, ...]:
        found = [match for name, key in self._hosts_with_urls(host) for match in self._one_of_each(host, name, key)]
        return tuple(sorted(found, key=lambda match: -match.action.strength))

    def _one_of_each(self, host: str, name: str, host_key: str) -> Iterator[Match]:
        """Yield one indicator for each marker of a host, one that never expires where there is one."""
        wanted = {(found.profile.feed, found.profile.action) for found in self._markers(self._trie[host_key])}
        best: dict[tuple[int, str], tuple[str, Found]] = {}
        for key, at in self._trie.iteritems(host_key + "/"):
            for found in self._evidence.found(self._words[at]):
                kind = (found.profile.feed, found.profile.action)
                if kind not in best or _lasts_longer(found, best[kind][1]):
                    best[kind] = (key, found)
            if all(kind in best and not best[kind][1].record.expires for kind in wanted):
                break
        for key, found in best.values():
            path = key[len(host_key) :]
            yield self._evidence.match(found, name + path, host, Scope.URL, len(path))

    def counts(self) -> IndexCounts:
        """Return how many indicators there are."""
        return self._counts


def _lasts_longer(one: Found, other: Found) -> bool:
    until, than = one.record.expires, other.record.expires
    return bool(than) and (not until or until > than)
