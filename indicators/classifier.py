"""The classifier: gathers the matches of one observation from every index and has them decided.

It decides nothing itself. Nearly all traffic is unknown, so the way on which nothing is met is kept short: one look
into each index that has something to say, and the shared verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from indicators.addresses import parse_address
from indicators.decide import Terms, clean, decide
from indicators.hosts import is_address
from indicators.index import IndicatorIndex
from indicators.observation import Address, Observation
from indicators.overlay import Waiver
from indicators.settings import PolicySettings
from indicators.urls import CanonicalUrl, canonical
from indicators.verdict import Match, Verdict
from indicators.words import Stage

type _Indexes = tuple[IndicatorIndex, ...]


class Classifier:
    """Judge observations against one state of indicators, policy and waivers. Never changed; make another instead."""

    __slots__ = ("_addresses", "_certificates", "_clean", "_hashes", "_names", "_terms")

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
        self._addresses = tuple(index for index, counts in counted if counts.addresses)
        self._hashes = tuple(index for index, counts in counted if counts.hashes)
        self._certificates = tuple(index for index, counts in counted if counts.certificates)
        self._terms = Terms(settings, tuple(waivers), paused_until)
        self._clean = {stage: clean(stage, settings) for stage in Stage}

    def judge(self, seen: Observation, now: datetime) -> Verdict:
        """Return the verdict. `now` is aware.

        May raise, such as ValueError for a URL that can't be read on a host that has listed URLs: the caller maps
        errors by `policy.on_error`.
        """
        known = self._knowing(seen.hosts)
        if seen.url is not None and (known or not _is_plainly_on(seen.url, seen.host)):
            return self._judge_url(seen, seen.url, known, now)
        return self._judge_seen(seen, None, known, now)

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
        if not known and not matches:
            return self._clean[seen.stage]
        matches += _on_names(known, seen.hosts, url)
        return decide(seen, now, matches, _under(known, _where_urls_lead(seen)), self._terms)

    def _on_others(self, seen: Observation) -> list[Match]:
        """Return what is known of addresses, hashes and the certificate."""
        found: list[Match] = []
        for index in self._addresses:
            for address in _addresses(seen):
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
        for host in dict.fromkeys(hosts):
            found += index.on_host(host)
        if url is not None:
            found += index.on_url(url)
    return found


def _under(known: _Indexes, hosts: Sequence[str]) -> list[Match]:
    return [match for index in known for host in hosts for match in index.urls_under(host)]


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
