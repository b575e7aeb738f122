"""Answer from a mapped snapshot: `IndicatorIndex` over a buffer that several processes share.

A miss costs one walk of the trie and makes no object that stays. Nothing is copied out of the buffer when it is opened,
so whoever holds the mapping must keep it for as long as the `Snapshot` lives; it holds a view of it itself.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import datetime

import marisa_trie

from indicators.addresses import unmap
from indicators.expressions import host_suffixes
from indicators.index import Glance, IndexCounts
from indicators.observation import Address
from indicators.snapshot import profiles
from indicators.snapshot.cells import LINE_BITS, MAX_LINE, CellReader
from indicators.snapshot.evidence import Evidence, Found
from indicators.snapshot.keys import ends_at_boundary, host_key, host_of, network_text
from indicators.snapshot.layout import Buffer, SnapshotError, unpack
from indicators.snapshot.name_filter import NameFilter
from indicators.snapshot.profiles import FeedNote, Profile
from indicators.snapshot.rows import Rows
from indicators.snapshot.unnamed import Unnamed
from indicators.urls import CanonicalUrl
from indicators.verdict import Match, Scope
from indicators.words import Action

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
        unnamed = Unnamed(self._sections, self._evidence)
        self._unnamed = unnamed if unnamed else None
        self._plain = frozenset(at + 1 for at, profile in enumerate(described) if not profile.is_marker)
        self._parts = {at: profile for at, profile in enumerate(described) if _is_part_of_a_plain_block(profile)}
        self._blocks = {
            at + 1: one.alerts for at, one in self._parts.items() if one.action is Action.BLOCK and not one.exact
        }
        self._trie = marisa_trie.Trie().map(self._sections["names"])
        self._words = self._numbers("names.words")
        self._named = NameFilter(self._sections["names.filter"]).asking(self._walk)
        self._v4, self._v4_words = self._numbers("v4"), self._numbers("v4.words")
        self._v6, self._v6_words = Rows(self._sections["v6"], 16), self._numbers("v6.words")
        if self._unnamed is None:  # most snapshots: one call less on the way of all traffic
            self.mentions = self._named  # type: ignore[assignment,method-assign]
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
        return self._named(host) or (self._unnamed is not None and self._unnamed.may_meet(host))

    def on_host(self, host: str) -> tuple[Match, ...]:
        """Return the domains and host-only URLs that cover this host, its own first."""
        evidence, words = self._evidence, self._words
        keys = self._walk(host)
        if len(keys) == 1 and not self._unnamed:  # nearly all hits
            return tuple(evidence.on_host(words[keys[0][1]], host_of(keys[0][0]), host))
        named = [match for key, at in reversed(keys) for match in evidence.on_host(words[at], host_of(key), host)]
        return (*named, *self._unnamed.on_host(host)) if self._unnamed else tuple(named)

    def plain_block(self, host: str) -> bool | None:
        """Say whether what stands on a host, which comes to a block whatever is weighed, is to be alerted.

        So it is where feeds block, and beside that do no more than record. None where nothing stands there, or more
        must be weighed: an exception, a warning, a URL below, an expiry, an address to answer with, an expression, a
        hash.
        """
        if self._unnamed:
            return None
        keys = self._walk(host)
        if len(keys) == 1 and (alerts := self._blocks.get(self._words[keys[0][1]] >> LINE_BITS)) is not None:
            return alerts  # nearly all hits
        return self._alert_of(keys, len(host) + 1)

    def _alert_of(self, keys: Iterable[tuple[str, int]], size: int) -> bool | None:
        """Weigh several entries together; an exact one counts beside the key of the host itself, of this size."""
        blocked = alerted = False
        for key, at in keys:
            for number, _, expires in self._evidence.records(self._words[at]):
                part = self._parts.get(number)
                if part is None or expires:
                    return None
                if not part.exact or len(key) == size:
                    blocked, alerted = blocked or part.action is Action.BLOCK, alerted or part.alerts
        return alerted if blocked else None

    def glance(self, host: str) -> Glance | None:
        """Return what is listed on a host and its parents, not built; None for nothing, or for what expires.

        None too where an expression or a hash may be met: that must be judged.
        """
        if self._unnamed and self._unnamed.may_meet(host):
            return None
        keys = list(self._trie.iter_prefixes_with_ids(host_key(host)))
        if len(keys) == 1 and len(keys[0][0]) == len(host) + 1:  # most hits, the host itself
            word = self._words[keys[0][1]]
            if word >> LINE_BITS in self._plain:
                return word >> LINE_BITS, (len(host), word & MAX_LINE)
        return self._glance_at(host, keys)

    def _glance_at(self, host: str, keys: list[tuple[str, int]]) -> Glance | None:
        kind: list[tuple[int, int]] = []
        where: list[int] = []
        size, words, glance = len(host) + 1, self._words, self._evidence.glance
        for place, (key, at) in enumerate(reversed(keys)):
            found = glance(words[at], exact=len(key) == size)
            if found is None:
                return None
            for number, line in found:
                kind.append((place, number))
                where += (len(key) - 1, line)
        return (tuple(kind), tuple(where)) if kind else None

    def on_url(self, url: CanonicalUrl) -> tuple[Match, ...]:
        """Return the URL indicators with a path that cover this URL, on its Safe Browsing host suffixes."""
        hosts = self._hosts_with_urls(url.host)
        if not hosts and not self._unnamed:
            return ()
        seen = url.expression
        target = seen[len(url.host) :]
        named = [match for name, key in hosts for match in self._url_matches(name, key, target, seen)]
        return (*named, *self._unnamed.on_url(url)) if self._unnamed else tuple(named)

    def _hosts_with_urls(self, host: str) -> list[tuple[str, str]]:
        """Return (host, key) of the host and those parents that have URL indicators with a path, longest first."""
        marked = [key for key, at in self._walk(host) if self._evidence.has_marker(self._words[at])]
        if not marked:
            return []
        suffixes = host_suffixes(host)
        return [(name, key) for key in reversed(marked) if (name := host_of(key)) in suffixes]

    def _url_matches(self, name: str, host_key: str, target: str, seen: str) -> Iterator[Match]:
        for key, at in reversed(list(self._trie.iter_prefixes_with_ids(host_key + target))):
            length = len(key) - len(host_key)
            if length <= 0 or not ends_at_boundary(target, length):
                continue
            for found in self._evidence.found(self._words[at]):
                if not found.profile.exact or length == len(target):
                    yield self._evidence.match(*found, name + key[len(host_key) :], seen, Scope.URL, length)

    def on_address(self, address: Address) -> tuple[Match, ...]:
        """Return the networks that hold this address, narrowest first; IPv4 inside IPv6 is seen through."""
        real = unmap(address)
        word = self._v4_word(int(real)) if real.version == 4 else self._v6_word(real.packed)
        return tuple(self._address_matches(word, address, real)) if word else ()

    def address_edges(self, version: int) -> Iterable[int]:
        """Return, as numbers, the addresses of an IP version at which what is known changes."""
        return self._v4 if version == 4 else (int.from_bytes(self._v6[at]) for at in range(len(self._v6)))

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
            yield self._evidence.match(*found, value, str(address), Scope.NETWORK, bits)

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
            self._evidence.match(*found, digest, digest, scope, len(digest)) for found in self._evidence.found(word)
        )

    def urls_under(self, host: str) -> tuple[Match, ...]:
        """Return a URL indicator of each feed and action that could be met on this host, strongest first."""
        for _, at in self._walk(host):
            if self._evidence.has_marker(self._words[at]):
                return self._remembered(host)
        return ()

    def _remembered(self, host: str) -> tuple[Match, ...]:
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
        markers = [found.profile for found in self._evidence.found(self._words[self._trie[host_key]])]
        wanted = {(profile.feed, profile.action) for profile in markers if profile.is_marker}
        best: dict[tuple[int, str], tuple[str, Found]] = {}
        for key, at in self._trie.iteritems(host_key + "/"):
            for found in self._evidence.found(self._words[at]):
                kind = (found.profile.feed, found.profile.action)
                if kind not in best or _lasts_longer(found, best[kind][1]):
                    best[kind] = (key, found)
            if all(kind in best and not best[kind][1].record[2] for kind in wanted):
                break
        for key, found in best.values():
            path = key[len(host_key) :]
            yield self._evidence.match(*found, name + path, host, Scope.URL, len(path))

    def counts(self) -> IndexCounts:
        """Return how many indicators there are."""
        return self._counts


def _lasts_longer(one: Found, other: Found) -> bool:
    until, than = one.record[2], other.record[2]
    return bool(than) and (not until or until > than)


def _is_part_of_a_plain_block(profile: Profile) -> bool:
    return profile.action in (Action.BLOCK, Action.AUDIT) and not (profile.is_marker or profile.target)
