"""What the model alone cannot refuse: keys that are right one by one and wrong together.

Each check takes a valid `Config` and yields paths and sentences. Nothing is read or resolved here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from ipaddress import ip_address
from itertools import combinations
from typing import NamedTuple

from indicators.hosts import canonical_host
from proxy.config.errors import KeyPath, dotted
from proxy.config.model import Address, Config
from proxy.dns.endpoint import parse_endpoint

type Finding = tuple[KeyPath, str]

RESERVED_NAMES = frozenset(("custom", "api", "waiver", "pause", "test-feed"))


def findings(config: Config, broken: Set[KeyPath] = frozenset()) -> Iterator[Finding]:
    """Yield everything that does not fit together; the paths in `broken` hold defaults in place of mistakes."""
    yield from _ports([listener for listener in _listeners(config) if not {listener.path, listener.path[:1]} & broken])
    yield from _upstreams(config)
    yield from _feeds(config)
    yield from _names(config)


class _Listener(NamedTuple):
    path: KeyPath
    host: Address
    port: int | None
    written: bool


def _listeners(config: Config) -> Iterator[_Listener]:
    for name, key in (("proxy", "port"), ("proxy", "socks_port"), ("proxy", "transparent_port"), ("dns", "port")):
        section = getattr(config, name)
        yield _Listener((name, key), section.host, getattr(section, key), key in section.model_fields_set)
    if config.collector.url == "embedded":
        collector = config.collector
        yield _Listener(("collector", "port"), collector.host, collector.port, "port" in collector.model_fields_set)


def _ports(listeners: Sequence[_Listener]) -> Iterator[Finding]:
    for first, second in combinations(listeners, 2):
        if first.port and first.port == second.port and _overlap(first.host, second.host):
            wrong, right = (second, first) if second.written else (first, second)
            yield wrong.path, f"expected another port: {wrong.port} is {dotted(right.path)} already"


def _overlap(one: Address, other: Address) -> bool:
    return one == other or one.is_unspecified or other.is_unspecified


def _upstreams(config: Config) -> Iterator[Finding]:
    for index, text in enumerate(config.dns.upstreams):
        path: KeyPath = ("dns", "upstreams", index)
        try:
            upstream = None if text == "system" else parse_endpoint(text)
        except ValueError:
            yield path, f"expected `system` or an address such as 9.9.9.9 or 10.0.0.53:5353, got {text!r:.60}"
            continue
        if upstream and upstream.port == config.dns.port and _overlap(ip_address(upstream.host), config.dns.host):
            yield path, f"expected another resolver: {text} is this one itself"


def _feeds(config: Config) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    for index, feed in enumerate(config.feeds):
        at: KeyPath = ("feeds", index)
        if (feed.path is None) == (feed.url is None):
            given = "neither" if feed.path is None else "both"
            yield at, f"expected exactly one of `path` and `url`, got {given}"
        if feed.name in RESERVED_NAMES:
            yield (*at, "name"), f"expected another name: `{feed.name}` is used by Seawall itself"
        if feed.name in seen:
            yield (*at, "name"), f"expected another name: feeds[{seen[feed.name]}] is called `{feed.name}` already"
        if feed.action == "allow":
            yield (*at, "action"), "expected block, warn or audit: a feed cannot allow"
        if not feed.interval:
            yield (*at, "interval"), "expected more than zero"
        seen.setdefault(feed.name, index)


def _names(config: Config) -> Iterator[Finding]:
    for key, hosts in (("inspect", config.inspect), ("never_inspect", config.never_inspect)):
        for index, host in enumerate(hosts):
            yield from _host((key, index), host)
    for host in config.dns.hosts:
        yield from _host(("dns", "hosts", host), host)


def _host(path: KeyPath, host: str) -> Iterator[Finding]:
    try:
        named_host(host)
    except ValueError as error:
        yield path, f"expected a host such as www.example.com: {error}"


def named_host(text: str) -> str:
    """Return the canonical host that a list of hosts names; `*.` is dropped, since subdomains are covered anyhow."""
    bare = text.removeprefix("*.")
    if "*" in bare:
        raise ValueError(f"{text!r:.80} has a `*`; subdomains are covered anyhow")
    return canonical_host(bare)
