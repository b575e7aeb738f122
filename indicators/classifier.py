"""The classifier: gathers the matches of one observation from every index and has them decided.

It decides nothing itself. Nearly all traffic is unknown, so the way on which nothing is met is kept short: one look
into each index that has something to say, and the shared verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from indicators.addresses import parse_address
from indicators.decide import Terms, clean, decide
from indicators.hosts import is_address
from indicators.index import Glance, IndicatorIndex
from indicators.memory_index import MemoryIndex
from indicators.observation import Address, Observation
from indicators.overlay import Waiver
from indicators.settings import PolicySettings
from indicators.urls import CanonicalUrl, canonical
from indicators.verdict import Match, Pending, Scope, Verdict
from indicators.words import Action, Mode, Stage

type _Indexes = tuple[IndicatorIndex, ...]


class Classifier:
    """Judge observations against one state of indicators, policy and waivers. Never changed; make another instead."""

    __slots__ = (
        "_addresses",
        "_blocks",
        "_certificates",
        "_clean",
        "_clean_http",
        "_customs",
        "_glance",
        "_hashes",
        "_large",
        "_names",
        "_tails",
        "_terms",
    )

    def __init__(
        self,
        custom: IndicatorIndex,
        feeds: Sequence[IndicatorIndex],
        settings: PolicySettings,
        waivers: Sequence[Waiver] = (),
        paused_until: datetime | None = None,
    ) -> None:
        counted = [(index, index.counts()) for index in (custom, *feeds)]
        self._names = tuple((index, index.mentions) for index, counts in counted if counts.hosts or counts.urls)
        # The last two labels of all that small indexes hold: one look tells for all of them that nothing is met.
        tails = [index.tails if isinstance(index, MemoryIndex) else None for index, _ in self._names]
        self._tails = frozenset[str]().union(*(one for one in tails if one is not None))
        self._large = tuple(named for named, one in zip(self._names, tails, strict=True) if one is None)
        self._customs = custom.mentions if counted[0][1].hosts or counted[0][1].urls else None
        self._glance: Callable[[str], Glance | None] | None = None
        if len(feeds) == 1:
            self._glance = getattr(feeds[0], "glance", None)
        self._blocks: tuple[Callable[[str], bool | None], _Indexes] | None = None
        if len(feeds) and settings.mode is Mode.ENFORCE and paused_until is None:
            last = feeds[-1]
            if (plain_block := getattr(last, "plain_block", None)) is not None:
                self._blocks = (plain_block, (last,))
        self._addresses = tuple(index for index, counts in counted if counts.addresses)
        self._hashes = tuple(index for index, counts in counted if counts.hashes)
        self._certificates = tuple(index for index, counts in counted if counts.certificates)
        self._terms = Terms(settings, tuple(waivers), paused_until)
        self._clean_http, self._clean = clean(Stage.HTTP, settings), clean(Stage.DNS, settings)

    def judge(self, seen: Observation, now: datetime) -> Verdict:
        """Return the verdict. `now` is aware.

        May raise, such as ValueError for a URL that can't be read on a host that has listed URLs: the caller maps
        errors by `policy.on_error`.
        """
        hosts, url = seen.hosts, seen.url
        known: _Indexes = ()
        for host in hosts:  # written out: a call would cost as much as the rest
            if host[host.rfind(".", 0, host.rfind(".")) + 1 :] in self._tails:
                known = self._knowing(hosts)
                break
        else:
            for index, mentions in self._large:
                for host in hosts:
                    if mentions(host):
                        known += (index,)
                        break
        if known and self._blocks is not None and known == self._blocks[1]:
            found = self._pending(seen, now)
            if found is not None:
                return found
        if url is not None and (known or not hosts or not _is_plainly_on(url, hosts[0])):
            return self._judge_url(seen, url, known, now)
        if not (known or seen.addresses or seen.hashes or seen.certificate or seen.findings) and (
            (len(hosts) == 1 and hosts[0][-1:].isalpha() and ":" not in hosts[0])
            or _are_names(hosts)  # mostly one name
        ):
            return self._clean_http if seen.stage is Stage.HTTP else self._clean
        return self._judge_seen(seen, None, known, now)

    def _pending(self, seen: Observation, now: datetime) -> Verdict | None:
        """Return the verdict where one block of a feed is all there is, its evidence yet to be built."""
        hosts, url = seen.hosts, seen.url
        if len(hosts) != 1 or seen.addresses or seen.hashes or seen.certificate or seen.findings:
            return None
        if (url is not None and not _is_plainly_on(url, hosts[0])) or not _are_names(hosts) or self._blocks is None:
            return None
        alert = self._blocks[0](hosts[0])
        if alert is None:
            return None
        known = self._blocks[1]
        return Pending(Action.BLOCK, lambda: self._judge_seen(seen, None, known, now), alert=alert)

    def glance(self, host: str) -> Glance | None:
        """Return what the feeds list on a name, short of a verdict, where nothing else has a say in it.

        For plain questions of a device known by DNS alone, hosts of one kind get one verdict, names and lines apart.
        None for a host on which nothing is listed, and where it must be judged: a custom indicator is met.
        """
        if self._glance is None or not _are_names((host,)) or (self._customs and self._customs(host)):
            return None
        return self._glance(host)

    def listed(self, host: str) -> tuple[Match, ...]:
        """Return the matches that `glance` speaks of, in its order."""
        return tuple(match for index, _ in self._names for match in index.on_host(host))

    def _knowing(self, hosts: Sequence[str]) -> _Indexes:
        """Return the indexes that hold anything on these hosts."""
        found: _Indexes = ()
        for index, mentions in self._names:
            for host in hosts:
                if mentions(host):
                    found += (index,)
                    break
        return found

    def _judge_url(self, seen: Observation, text: str, known: _Indexes, now: datetime) -> Verdict:
        try:
            url = canonical(text)
        except ValueError:
            verdict = self._judge_seen(seen, None, known, now)
            if verdict.stops or not _under(known, seen.hosts):
                return verdict
            raise
        if url.host not in seen.hosts:  # two parsers may read two hosts in one URL; the one connected to counts
            seen = replace(seen, hosts=(url.host, *seen.hosts))
        return self._judge_seen(seen, url, self._knowing(seen.hosts), now)

    def _judge_seen(self, seen: Observation, url: CanonicalUrl | None, known: _Indexes, now: datetime) -> Verdict:
        matches = self._on_others(seen)
        under: Sequence[Match] = ()
        if known:
            matches += _on_names(known, seen.hosts, url)
            under = _under(known, _where_urls_lead(seen))
        if not matches and not under:
            return self._clean_http if seen.stage is Stage.HTTP else self._clean
        return decide(seen, now, matches, under, self._terms)

    def _on_others(self, seen: Observation) -> list[Match]:
        """Return what is known of addresses, hashes and the certificate."""
        found = [Match(one, one.value, Scope.SHA256, 0, one.action) for one in seen.findings]
        addresses = seen.addresses if _are_names(seen.hosts) else _addresses(seen)
        for index in self._addresses:
            for address in addresses:
                found += index.on_address(address)
        for index in self._hashes:
            for digest in seen.hashes:
                found += index.on_hash(digest)
        if seen.certificate is not None:
            for index in self._certificates:
                found += index.on_certificate(seen.certificate)
        return found


def _is_plainly_on(url: str, host: str) -> bool:
    """Say whether the URL's authority is this canonical host, letter for letter, so that no parser reads another."""
    scheme = 8 if url.startswith("https://") else 7 if url.startswith("http://") else 0
    end = scheme + len(host)
    return scheme > 0 and host != "" and url.startswith(host, scheme) and url[end : end + 1] in _AFTER_HOST


_AFTER_HOST = ("", "/", "?", "#")


def _on_names(known: _Indexes, hosts: Sequence[str], url: CanonicalUrl | None) -> list[Match]:
    found: list[Match] = []
    for index in known:
        for host in hosts if len(hosts) == 1 else dict.fromkeys(hosts):
            found += index.on_host(host)
        if url is not None:
            found += index.on_url(url)
    return found


def _under(known: _Indexes, hosts: Sequence[str]) -> list[Match]:
    return [match for index in known for host in hosts for match in index.urls_under(host)]


def _are_names(hosts: Sequence[str]) -> bool:
    """Say whether none of these canonical hosts can be an address."""
    for host in hosts:  # noqa: SIM110 - a generator would cost more than the rest; this is the way of all traffic
        if host[-1:].isdigit() or ":" in host:
            return False
    return True


def _addresses(seen: Observation) -> Sequence[Address]:
    """Return the addresses seen, with those that were asked for as a host."""
    literal = [parse_address(host) for host in seen.hosts if (host[-1:].isdigit() or ":" in host) and is_address(host)]
    return tuple(dict.fromkeys((*seen.addresses, *literal))) if literal else seen.addresses


def _where_urls_lead(seen: Observation) -> tuple[str, ...]:
    """Return the hosts whose URLs this connection may ask for.

    That is the destination asked for, and from the ClientHello on the name that it gives too; the target of a CNAME
    never stands in a URL.
    """
    if seen.stage is Stage.TLS:
        return tuple(dict.fromkeys(seen.hosts))
    return seen.hosts[:1] if seen.stage in (Stage.DNS, Stage.CONNECTION) else ()
