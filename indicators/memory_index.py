"""An index in memory, for custom indicators and the test feed: dictionaries, made once, never changed."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from indicators.addresses import Network, parse_network, unmap
from indicators.hosts import parents
from indicators.index import IndexCounts
from indicators.indicator import Indicator
from indicators.observation import Address
from indicators.url_paths import UrlPaths
from indicators.urls import CanonicalUrl
from indicators.verdict import Match, Scope
from indicators.words import IndicatorType

_HASHES = {IndicatorType.SHA256: Scope.SHA256, IndicatorType.SHA1: Scope.SHA1, IndicatorType.MD5: Scope.MD5}
_BITS = {4: 32, 6: 128}


class MemoryIndex:
    """Implement `IndicatorIndex` over the indicators given. Values must be canonical (see `Indicator`)."""

    __slots__ = (
        "_certificates",
        "_counts",
        "_digests",
        "_hosts",
        "_is_broad",
        "_names",
        "_networks",
        "_paths",
        "_tails",
    )

    def __init__(self, indicators: Iterable[Indicator] = ()) -> None:
        given = tuple(indicators)
        hosts = [one for one in given if one.type is IndicatorType.DOMAIN or one.is_host_only]
        urls = [one for one in given if one.type is IndicatorType.URL and not one.is_host_only]
        addresses = [one for one in given if one.type is IndicatorType.IP]
        hashes = [one for one in given if one.type in _HASHES]
        certificates = [one for one in given if one.type is IndicatorType.CERTIFICATE]
        self._hosts = _group((one.host, one) for one in hosts)
        self._paths = {host: UrlPaths(found) for host, found in _group((one.host, one) for one in urls).items()}
        self._names = frozenset(chain(self._hosts, self._paths))
        self._tails = frozenset(map(_tail, self._names))
        self._is_broad = any("." not in name for name in self._names)
        self._networks = _by_prefix(addresses)
        self._digests = _group((one.value, one) for one in hashes)
        self._certificates = _group((one.value, one) for one in certificates)
        self._counts = IndexCounts(len(hosts), len(urls), len(addresses), len(hashes), len(certificates))

    @property
    def tails(self) -> frozenset[str] | None:
        """Return the last two labels of every name on which anything stands; None where a whole domain is listed.

        Nothing stands on a host whose last two labels are not among them.
        """
        return None if self._is_broad else self._tails

    def mentions(self, host: str) -> bool:
        """Say whether anything stands on this host or a parent of it."""
        if host[host.rfind(".", 0, host.rfind(".")) + 1 :] not in self._tails and not self._is_broad:
            return False
        names = self._names
        while host not in names:
            at = host.find(".") + 1
            if not at:
                return False
            host = host[at:]
        return True

    def on_host(self, host: str) -> tuple[Match, ...]:
        """Return the domains and host-only URLs that cover this host."""
        found = []
        for name in parents(host):
            for one in self._hosts.get(name, ()):
                if name == host:
                    found.append(Match(one, host, Scope.EXACT_HOST, _labels(name), one.action))
                elif not one.exact:
                    found.append(Match(one, host, Scope.PARENT_DOMAIN, _labels(name), one.action))
        return tuple(found)

    def on_url(self, url: CanonicalUrl) -> tuple[Match, ...]:
        """Return the URL indicators with a path that cover this URL; the observable is its expression."""
        if not self._paths:
            return ()
        seen = url.expression
        target = seen[len(url.host) :]
        return tuple(
            Match(one, seen, Scope.URL, length, one.action)
            for name in parents(url.host)
            if name in self._paths
            for length, one in self._paths[name].covering(target)
        )

    def on_address(self, address: Address) -> tuple[Match, ...]:
        """Return the addresses and networks that hold this address; IPv4 inside IPv6 is seen through."""
        real = unmap(address)
        number, bits = int(real), _BITS[real.version]
        return tuple(
            Match(one, str(address), Scope.NETWORK, prefix, one.action)
            for prefix, networks in self._networks[real.version].items()
            for one in networks.get(number >> (bits - prefix), ())
        )

    def address_edges(self, version: int) -> Iterable[int]:
        """Return, as numbers, the addresses of an IP version at which what is known changes."""
        for prefix, networks in self._networks[version].items():
            shift = _BITS[version] - prefix
            for number in networks:
                yield number << shift
                yield (number + 1) << shift

    def on_hash(self, digest: str) -> tuple[Match, ...]:
        """Return the indicators of this file hash."""
        found = self._digests.get(digest, ())
        return tuple(Match(one, digest, _HASHES[one.type], len(digest), one.action) for one in found)

    def on_certificate(self, thumbprint: str) -> tuple[Match, ...]:
        """Return the indicators of this certificate."""
        found = self._certificates.get(thumbprint, ())
        return tuple(Match(one, thumbprint, Scope.CERTIFICATE, len(thumbprint), one.action) for one in found)

    def urls_under(self, host: str) -> tuple[Match, ...]:
        """Return a URL indicator of each kind that could be met on this host, strongest first."""
        if not self._paths:
            return ()
        found = [
            Match(one, host, Scope.URL, len(one.value) - len(one.host), one.action)
            for name in parents(host)
            if name in self._paths
            for one in self._paths[name].representatives
        ]
        return tuple(sorted(found, key=lambda match: -match.action.strength))

    def counts(self) -> IndexCounts:
        """Return how many indicators there are."""
        return self._counts


def _tail(name: str) -> str:
    """Return the last two labels of a name, or the only one: what all names below it end with."""
    return name[name.rfind(".", 0, name.rfind(".")) + 1 :]


def _labels(name: str) -> int:
    return name.count(".") + 1


def _group[Key](pairs: Iterable[tuple[Key, Indicator]]) -> dict[Key, tuple[Indicator, ...]]:
    found: dict[Key, list[Indicator]] = {}
    for key, indicator in pairs:
        found.setdefault(key, []).append(indicator)
    return {key: tuple(indicators) for key, indicators in found.items()}


def _by_prefix(addresses: Iterable[Indicator]) -> dict[int, dict[int, dict[int, tuple[Indicator, ...]]]]:
    """Return IP version -> prefix length -> leading bits -> indicators, longest prefix first."""
    by_version: dict[int, dict[int, list[tuple[int, Indicator]]]] = {4: {}, 6: {}}
    for one in addresses:
        network: Network = parse_network(one.value)
        bits = int(network.network_address) >> (network.max_prefixlen - network.prefixlen)
        by_version[network.version].setdefault(network.prefixlen, []).append((bits, one))
    return {
        version: {prefix: _group(by_prefix[prefix]) for prefix in sorted(by_prefix, reverse=True)}
        for version, by_prefix in by_version.items()
    }
