"""Guards against collateral damage: what no feed may block as a whole, and the reason in words.

A guard lowers the action of one entry of a feed to *audit*; it drops nothing, and never touches a custom indicator.
The lists are data (`indicators/data/guards`); which feeds name a host as well is counted by whoever compiles.
"""

from __future__ import annotations

import gzip
import hashlib
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from importlib import resources
from importlib.resources.abc import Traversable
from ipaddress import ip_address, ip_network

from indicators.addresses import Network, parse_network
from indicators.feeds.entry import Entry, FeedOnly
from indicators.feeds.expressions import compiled
from indicators.hosts import canonical_host, is_address, parents
from indicators.public_suffix import is_public_suffix
from indicators.words import Action, IndicatorType

_WEAK_PREFIX = 8  # hexadecimal digits of a hash that prove nothing alone
INDEPENDENT_FEEDS = 2  # so many publishers must name a popular host before it is blocked


class Guard(StrEnum):
    """Name a guard's reason; the word is what a snapshot stores."""

    PUBLIC_SUFFIX = "public_suffix"
    SHARED_HOSTING = "shared_hosting"
    LINK_SHORTENER = "link_shortener"
    TOP_RANKED = "top_ranked"
    SINGLE_FEED = "single_feed"
    PUBLIC_DNS = "public_dns"
    SHARED_ADDRESS = "shared_address"
    COMMON_FILE = "common_file"
    HASH_PREFIX = "hash_prefix"
    NEVER_BLOCK = "never_block"


_TEXTS = {
    Guard.PUBLIC_SUFFIX: "{host} is a public suffix: anyone may have a name below it, so it is not blocked as a whole",
    Guard.SHARED_HOSTING: "anyone may publish on {host}: its listed paths are blocked, not the host as a whole",
    Guard.LINK_SHORTENER: "{host} shortens links: its listed links are blocked, not the host as a whole",
    Guard.TOP_RANKED: "{host} is among the most used hosts: its listed paths are blocked, not the host as a whole",
    Guard.SINGLE_FEED: "{host} is a widely used host that only one publisher lists: it is audited, not blocked",
    Guard.PUBLIC_DNS: "{host} is, or holds, a public resolver that many systems ask: it is audited, not blocked",
    Guard.SHARED_ADDRESS: "{host} belongs to a content delivery network, or holds some of one: thousands of sites "
    "share it",
    Guard.HASH_PREFIX: "only four bytes of the hash of {host} are listed, which some addresses meet by chance: it is "
    "recorded, not blocked, unless a list with the full hash agrees",
    Guard.NEVER_BLOCK: "{host} is named in `guards.never_block` of the configuration: no feed may block it",
    Guard.COMMON_FILE: "this is the hash of an empty or common harmless file",
}


def explain(guard: str, value: str) -> str:
    """Return in words why a guard lowered the entry with this value; an unknown guard is named as it is."""
    try:
        return _TEXTS[Guard(guard)].format(host=value.removesuffix("/"))
    except ValueError:
        return guard


@dataclass(frozen=True)
class GuardLists:
    """Hold the lists that guards look into. Hosts are canonical, without a leading `www.`."""

    top_ranked: frozenset[str] = frozenset()
    shared_hosting: frozenset[str] = frozenset()
    link_shorteners: frozenset[str] = frozenset()
    public_dns: frozenset[str] = frozenset()
    shared_addresses: tuple[Network, ...] = ()
    common_files: frozenset[str] = frozenset()
    never_block: frozenset[str] = frozenset()  # with their subdomains
    digest: str = ""

    @cached_property
    def popular(self) -> dict[str, Guard]:
        """Return the hosts that one feed alone cannot block, with what they are."""
        return {
            **dict.fromkeys(self.top_ranked, Guard.TOP_RANKED),
            **dict.fromkeys(self.shared_hosting, Guard.SHARED_HOSTING),
            **dict.fromkeys(self.link_shorteners, Guard.LINK_SHORTENER),
            **dict.fromkeys(self.public_dns, Guard.PUBLIC_DNS),
        }


def load() -> GuardLists:
    """Read the lists that come with Seawall. `digest` changes with their content."""
    folder = resources.files("indicators") / "data" / "guards"
    texts = {path.name.partition(".")[0]: _text(path) for path in folder.iterdir() if ".txt" in path.name}
    digest = hashlib.sha256("\0".join(texts[name] for name in sorted(texts)).encode()).hexdigest()
    values = {name: [line for line in text.splitlines() if line and line[0] != "#"] for name, text in texts.items()}
    return GuardLists(
        top_ranked=frozenset(values["top_ranked"]),
        shared_hosting=frozenset(values["shared_hosting"]),
        link_shorteners=frozenset(values["link_shorteners"]),
        public_dns=frozenset(values["public_dns"]),
        shared_addresses=tuple(parse_network(text) for text in values["shared_addresses"]),
        common_files=frozenset(values["common_files"]),
        digest=digest,
    )


def extended(
    lists: GuardLists,
    shared_hosts: Iterable[str] = (),
    shorteners: Iterable[str] = (),
    top_hosts: Iterable[str] = (),
    never_block: Iterable[str] = (),
) -> GuardLists:
    """Return the lists with a user's hosts added. Raises ValueError naming a host that is none."""
    more = [_hosts(given) for given in (shared_hosts, shorteners, top_hosts, never_block)]
    if not any(more):
        return lists
    text = "\n".join(",".join(sorted(hosts)) for hosts in more)
    return replace(
        lists,
        shared_hosting=lists.shared_hosting | more[0],
        link_shorteners=lists.link_shorteners | more[1],
        top_ranked=lists.top_ranked | more[2],
        never_block=lists.never_block | more[3],
        digest=hashlib.sha256(f"{lists.digest}\0{text}".encode()).hexdigest(),
    )


def _hosts(given: Iterable[str]) -> frozenset[str]:
    return frozenset(popular_name(canonical_host(host.removeprefix("*."))) for host in given)


def _text(path: Traversable) -> str:
    content = path.read_bytes()
    return (gzip.decompress(content) if path.name.endswith(".gz") else content).decode()


class Guards:
    """Judge entries of feeds by the lists given."""

    def __init__(self, lists: GuardLists) -> None:
        self.digest = lists.digest
        self._popular = lists.popular
        self._above = _above(lists)
        self._common_files = lists.common_files
        self._never = lists.never_block
        names = {name for name in lists.popular if not is_address(name)} | lists.never_block
        self._names = "\n".join(sorted(names | {f"www.{name}" for name in names}))
        resolvers = [parse_network(name) for name in lists.public_dns if is_address(name)]
        self._resolvers = {version: _Spans(resolvers, version) for version in (4, 6)}
        self._shared = {version: _Spans(lists.shared_addresses, version) for version in (4, 6)}

    def on(self, entry: Entry) -> Guard | None:
        """Return the guard that holds this entry back, or nothing.

        `SINGLE_FEED` is conditional: it falls where `INDEPENDENT_FEEDS` publishers name the same host. Where anyone may
        publish or shorten a link, no number of feeds is proof against the host as a whole.
        """
        if entry.action in (Action.ALLOW, Action.AUDIT):
            return None
        if entry.type is IndicatorType.DOMAIN:
            return self._on_host(entry.value, Guard.SINGLE_FEED, covers=not entry.exact)
        if entry.type is IndicatorType.URL:
            host, _, path = entry.value.partition("/")
            if path or entry.exact:
                return Guard.NEVER_BLOCK if self._is_never_blocked(host) else None
            return self._on_host(host, None)
        if entry.type is FeedOnly.PATTERN:
            return self._on_pattern(entry.value)
        if entry.type is FeedOnly.URL_HASH:
            return Guard.HASH_PREFIX if len(entry.value) <= _WEAK_PREFIX else self._hashes.get(entry.value)
        if entry.type is IndicatorType.IP:
            return self._on_network(entry.value)
        return Guard.COMMON_FILE if entry.value in self._common_files else None

    def _is_never_blocked(self, host: str) -> bool:
        return bool(self._never) and any(popular_name(name) in self._never for name in parents(host))

    @cached_property
    def _hashes(self) -> dict[str, Guard]:
        """Return the prefixes, of each length, of the hashes that whole popular hosts have in a list of hashes."""
        known = {**self._popular, **dict.fromkeys(self._never, Guard.NEVER_BLOCK)}
        digests = {hashlib.sha256(f"{host}/".encode()).hexdigest(): guard for host, guard in known.items()}
        return {digest[:digits]: guard for digest, guard in digests.items() for digits in (16, 32, 64)}

    def _on_pattern(self, text: str) -> Guard | None:
        """Look an expression up in all popular hosts at once, one a line; it is met by a line or by none."""
        found = compiled(text, per_line=True)
        return Guard.TOP_RANKED if found is None or found.search(self._names) else None

    def _on_host(self, host: str, listed_as_domain: Guard | None, *, covers: bool = True) -> Guard | None:
        """Look a host up, and for an entry that covers what is below it, that too."""
        above = self._above.get(host) if covers else None
        if self._is_never_blocked(host) or above is Guard.NEVER_BLOCK:
            return Guard.NEVER_BLOCK
        if is_public_suffix(host):
            return Guard.PUBLIC_SUFFIX
        known = self._popular.get(popular_name(host)) or above
        return listed_as_domain if known is Guard.TOP_RANKED and listed_as_domain else known

    def _on_network(self, value: str) -> Guard | None:
        """Hold a network back that lies in one of these or holds one; lists of threats have no business there."""
        version, (first, last) = 6 if ":" in value else 4, _span(value)
        if self._resolvers[version].meet(first, last):
            return Guard.PUBLIC_DNS
        return Guard.SHARED_ADDRESS if self._shared[version].meet(first, last) else None


def _above(lists: GuardLists) -> dict[str, Guard]:
    """Return the domains with a guarded host below them: used by many for its sake, and never to be blocked for it."""
    found: dict[str, Guard] = {}
    for guard, names in ((Guard.TOP_RANKED, lists.popular), (Guard.NEVER_BLOCK, lists.never_block)):
        for name in names:
            if name.count(".") > 1 and not is_address(name):
                found.update((parent, guard) for parent in parents(name) if parent != name and "." in parent)
    return found


class _Spans:
    """Search disjoint networks of one IP version by their first and last addresses."""

    def __init__(self, networks: Iterable[Network], version: int) -> None:
        mine = sorted(
            (int(net.network_address), int(net.broadcast_address)) for net in networks if net.version == version
        )
        self._firsts = [first for first, _ in mine]
        self._lasts = [last for _, last in mine]

    def meet(self, first: int, last: int) -> bool:
        """Say whether an address between these lies in one of the networks."""
        at = bisect_right(self._firsts, last) - 1
        return at >= 0 and first <= self._lasts[at]


def _span(value: str) -> tuple[int, int]:
    if "/" not in value:
        return (int(ip_address(value)),) * 2
    network = ip_network(value)
    return int(network.network_address), int(network.broadcast_address)


def popular_name(host: str) -> str:
    """Return the name by which the lists know a host: without a leading `www.`."""
    return host.removeprefix("www.")
