"""The addresses that no feed may block: where this gateway listens, and the resolvers that it asks.

Only public ones are told: special-purpose addresses are dropped from every feed anyhow.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_address
from pathlib import Path

import psutil

from indicators.addresses import is_special
from proxy.config.model import Config
from proxy.dns.endpoint import parse_endpoint
from proxy.dns.system_resolvers import RESOLV_CONF, read_resolv_conf

_MAX_SIZE = 65_536  # bytes of resolv.conf


def own_addresses(
    config: Config, resolv_conf: Path = RESOLV_CONF, interfaces: Callable[[], Iterable[str]] | None = None
) -> tuple[str, ...]:
    """Return the addresses, sorted."""
    dns = config.dns
    upstreams = [*dns.upstreams, *dns.bootstrap, *_routed(config)]
    found = {*_literals(upstreams), *map(str, dns.page_address), *_listening(config, interfaces or machine_addresses)}
    if "system" in upstreams:
        found |= set(_of_system(resolv_conf))
    return tuple(sorted(one for one in found if not is_special(ip_address(one))))


def _routed(config: Config) -> Iterator[str]:
    for to in config.dns.routes.values():
        yield from (to,) if isinstance(to, str) else to


def _literals(upstreams: Iterable[str]) -> Iterator[str]:
    for text in upstreams:
        try:
            yield str(ip_address(parse_endpoint(text).host.partition("%")[0]))
        except ValueError:  # `system`, or a resolver given by name
            continue


def _listening(config: Config, interfaces: Callable[[], Iterable[str]]) -> Iterator[str]:
    hosts = (config.proxy.host, config.dns.host, config.collector.host, config.pages.host)
    yield from (str(host) for host in hosts if host and not host.is_unspecified)
    if any(host and host.is_unspecified for host in hosts):
        yield from interfaces()


def machine_addresses() -> Iterator[str]:
    """Yield the addresses of this machine's interfaces."""
    for found in psutil.net_if_addrs().values():
        yield from (one.address.partition("%")[0] for one in found if one.family in (socket.AF_INET, socket.AF_INET6))


def _of_system(path: Path) -> Iterator[str]:
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_SIZE).decode("utf-8", "replace")
    except OSError:
        return
    yield from (endpoint.host.partition("%")[0] for endpoint in read_resolv_conf(text))
