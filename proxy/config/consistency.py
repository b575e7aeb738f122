"""What the model alone cannot refuse: keys that are right one by one and wrong together.

Each check takes a valid `Config` and yields paths and sentences. Nothing is read or resolved here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from ipaddress import ip_address
from itertools import combinations
from typing import NamedTuple
from urllib.parse import urlsplit

from indicators.hosts import canonical_host, is_address
from proxy.config.errors import KeyPath, dotted
from proxy.config.feed_findings import feed_findings
from proxy.config.group_findings import group_findings
from proxy.config.model import Config
from proxy.config.sections.dns import DnsConfig
from proxy.config.tunnel_findings import tunnel_findings
from proxy.config.values import Address
from proxy.dns.endpoint import Endpoint, parse_endpoint

type Finding = tuple[KeyPath, str]


def findings(config: Config, broken: Set[KeyPath] = frozenset()) -> Iterator[Finding]:
    """Yield everything that does not fit together; the paths in `broken` hold defaults in place of mistakes."""
    yield from _ports([listener for listener in _listeners(config) if not {listener.path, listener.path[:1]} & broken])
    yield from _upstreams(config)
    yield from _encrypted_dns(config)
    yield from feed_findings(config.feeds)
    yield from group_findings(config.groups, config.feeds)
    yield from _names(config)
    yield from _collector(config)
    yield from _outputs(config)
    yield from _access(config)
    yield from tunnel_findings(config.wireguard)


def _access(config: Config) -> Iterator[Finding]:
    """Yield what lets anybody use a proxy that anybody can reach."""
    proxy = config.proxy
    if not proxy.host.is_loopback and not proxy.allow_clients and proxy.credentials != "required":
        yield (
            ("proxy", "host"),
            f"expected `proxy.allow_clients`, or `proxy.credentials: required`, beside {proxy.host}: "
            "without one of them anybody who can reach this address could use the proxy",
        )


_PORT_KEYS = (
    *(("proxy", key) for key in ("port", "socks_port", "transparent_port", "tproxy_port")),
    *(("dns", key) for key in ("port", "tls_port", "https_port")),
)


class _Listener(NamedTuple):
    path: KeyPath
    host: Address
    port: int | None
    written: bool


def _listeners(config: Config) -> Iterator[_Listener]:
    for name, key in _PORT_KEYS:
        section = getattr(config, name)
        yield _Listener((name, key), section.host, getattr(section, key), key in section.model_fields_set)
    for host in config.dns.page_address[:1]:
        for key in ("http_port", "https_port"):
            where = config.pages.host or host
            yield _Listener(("pages", key), where, getattr(config.pages, key), key in config.pages.model_fields_set)
    metrics = config.metrics
    yield _Listener(("metrics", "port"), metrics.host, metrics.port, "port" in metrics.model_fields_set)
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
    for path, text in _written_upstreams(config):
        try:
            upstream = None if text == "system" else parse_endpoint(text)
        except ValueError:
            yield path, f"expected `system` or an address such as 9.9.9.9 or 10.0.0.53:5353, got {text!r:.60}"
            continue
        if upstream is None:
            continue
        if path[1] == "bootstrap" and upstream.needs_lookup:
            yield path, f"expected an address, for {text} would have to be looked up itself"
        elif not upstream.needs_lookup and _is_this_one(upstream, config.dns):
            yield path, f"expected another resolver: {text} is this one itself"


def _written_upstreams(config: Config) -> Iterator[tuple[KeyPath, str]]:
    for key in ("upstreams", "bootstrap"):
        for index, text in enumerate(getattr(config.dns, key)):
            yield ("dns", key, index), text
    for domain, to in config.dns.routes.items():
        if isinstance(to, str):
            yield ("dns", "routes", domain), to
        else:
            yield from ((("dns", "routes", domain, index), text) for index, text in enumerate(to))


def _is_this_one(upstream: Endpoint, dns: DnsConfig) -> bool:
    ours = {"udp": dns.port, "tcp": dns.port, "tls": dns.tls_port, "https": dns.https_port}[upstream.scheme]
    return upstream.port == ours and _overlap(ip_address(upstream.host), dns.host)


def _encrypted_dns(config: Config) -> Iterator[Finding]:
    tls = config.dns.tls
    try:
        if is_address(named_host(tls.name)):
            yield ("dns", "tls", "name"), f"expected a name such as dns.example.com, got {tls.name!r:.60}"
    except ValueError as error:
        yield ("dns", "tls", "name"), f"expected a name such as dns.example.com: {error}"
    if tls.key is not None and tls.cert is None:
        yield ("dns", "tls", "cert"), "is missing; expected the certificate that `key` belongs to"


def _outputs(config: Config) -> Iterator[Finding]:
    names = [output.name for output in config.outputs]
    for index, output in enumerate(config.outputs):
        at: KeyPath = ("outputs", index)
        if (output.webhook is None) == (output.syslog is None):
            given = "neither" if output.webhook is None else "both"
            yield at, f"expected exactly one of `webhook` and `syslog`, got {given}"
            continue
        forms = ("json", "caep") if output.webhook else ("text", "cef", "ocsf")
        if output.format not in (None, *forms):
            yield (*at, "format"), f"expected {' or '.join(forms)} here, got {output.format}"
        if output.name in names[:index]:
            yield (*at, "name"), f"expected another name: outputs[{names.index(output.name)}] is called so already"


def _collector(config: Config) -> Iterator[Finding]:
    section = config.collector
    if (section.tls.cert is None) != (section.tls.key is None):
        missing = "key" if section.tls.key is None else "cert"
        yield ("collector", "tls", missing), "expected `cert` and `key` together"
    if section.url.startswith("http://") and not _is_loopback(section.url):
        yield ("collector", "url"), "expected https: the token and every event would be readable on the way"
    if not config.corporate.risk_max_age:
        yield ("corporate", "risk_max_age"), "expected more than zero"


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host == "localhost" or (is_address(host) and ip_address(host).is_loopback)


def _names(config: Config) -> Iterator[Finding]:
    for key, hosts in (("inspect", config.inspect), ("never_inspect", config.never_inspect)):
        for index, host in enumerate(hosts):
            yield from _host((key, index), host)
    for index, host in enumerate(config.corporate.hosts):
        yield from _host(("corporate", "hosts", index), host)
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
