"""Ask one publisher over HTTP: only where a feed may come from, and at the address that was judged.

Each hop's resolved addresses must be global, unless the configured address itself is private by its spelling or fixed
in `dns.hosts`. No https to http. A secret goes to the configured origin alone. Parses and stores nothing.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from indicators.addresses import is_private_by_spelling, is_special
from proxy.feeds.inflate import DEFAULT_LIMITS, AnswerError, FeedError, Inflater, Limits, Meter
from proxy.feeds.json_text import load_json
from proxy.feeds.secret import NO_SECRET, Secret

USER_AGENT = "seawall-feeds/1 (+web protection gateway)"
_CONNECT = 20.0  # seconds
_SILENCE = 60.0  # seconds without a byte
_MAX_HOPS = 5
_CHUNK = 64 * 1024
_LONGEST_WAIT = timedelta(days=1)
_SENT_ON = (301, 302, 303, 307, 308)

type Hosts = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Asking:
    """Say whom to ask, as whom, and how much to take. `url` stands without the secret."""

    url: str
    hosts: Hosts = field(default_factory=dict)
    limits: Limits = DEFAULT_LIMITS
    secret: Secret = NO_SECRET
    user_agent: str = ""


class Client:
    """Ask the publisher of one feed; a context manager. Raises FeedError and aiohttp's errors."""

    def __init__(self, asking: Asking) -> None:
        self.asking = asking
        self.meter = Meter(asking.limits)
        self._origin = asking.secret.on(asking.url).origin()
        self._private = is_private(URL(asking.url), asking.hosts)

    async def __aenter__(self) -> Client:
        connector = aiohttp.TCPConnector(resolver=_Resolver(self.asking.hosts, self._private), use_dns_cache=False)
        limits = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT, sock_read=_SILENCE)
        headers = {"User-Agent": self.asking.user_agent or USER_AGENT, "Accept-Encoding": "gzip"}
        self._session = aiohttp.ClientSession(
            connector=connector, timeout=limits, headers=headers, auto_decompress=False
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    @asynccontextmanager
    async def get(self, url: str, headers: Mapping[str, str]) -> AsyncIterator[aiohttp.ClientResponse]:
        """Ask and follow; give an answer of 200 or 304. Raises AnswerError for any other."""
        hop = self.asking.secret.on(url)
        for _ in range(_MAX_HOPS + 1):
            if not self._private and is_literal(hop):
                refuse_special("its address", (str(hop.host),))
            sent = {**headers, **(self.asking.secret.headers() if hop.origin() == self._origin else {})}
            async with self._session.get(hop, headers=sent, allow_redirects=False) as answer:
                if answer.status in _SENT_ON:
                    hop = next_hop(hop, answer.headers.get("Location", ""))
                    continue
                _check(answer)
                yield answer
                return
        raise FeedError(f"it was sent on more than {_MAX_HOPS} times")

    async def chunks(self, answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        """Yield the plain text of an answer, counted."""
        inflater = Inflater(self.meter)
        async for chunk in answer.content.iter_chunked(_CHUNK):
            for plain in inflater.feed(chunk):
                yield plain
        yield inflater.close()

    async def json(self, answer: aiohttp.ClientResponse) -> Any:
        """Return what an answer says in JSON. Raises FeedError."""
        text = b"".join([chunk async for chunk in self.chunks(answer)])
        return load_json(text, self.meter.limits.depth)


class _Resolver(AbstractResolver):
    def __init__(self, hosts: Hosts, allow_private: bool) -> None:
        self._hosts = hosts
        self._allow_private = allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = self._hosts.get(host.rstrip(".").lower()) or await self._ask(host, port)
        if not self._allow_private:  # nor may a public feed lead into the network by a name of `dns.hosts`
            refuse_special(host, found)
        return [_result(host, address, port) for address in found]

    async def _ask(self, host: str, port: int) -> tuple[str, ...]:
        infos = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return tuple(dict.fromkeys(str(info[4][0]) for info in infos))

    async def close(self) -> None:
        """Hold nothing."""


def _result(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST)


def refuse_special(host: str, addresses: tuple[str, ...]) -> None:
    """Raise FeedError when one of the addresses is not a public one."""
    for address in addresses:
        if is_special(ip_address(address.partition("%")[0])):
            raise FeedError(f"{host} leads to {address}, which is no public address; a feed may not lead there")


def _check(answer: aiohttp.ClientResponse) -> None:
    if answer.status not in (200, 304):
        text = f"{answer.url.host} answered {answer.status} {answer.reason or ''}".rstrip()
        raise AnswerError(text, answer.status, retry_after(answer.headers.get("Retry-After", "")))
    coding = answer.headers.get("Content-Encoding", "identity").lower()
    if coding not in ("identity", "gzip", "x-gzip"):
        raise FeedError(f"{answer.url.host} sent it with the coding {coding!r}, which was not asked for")


def retry_after(text: str, now: datetime | None = None) -> timedelta:
    """Return how long a publisher asks to be left alone (RFC 9110, 10.2.3), a day at most."""
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text[:9])), _LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(text) - (now or datetime.now(UTC))
    except (TypeError, ValueError):
        return timedelta()
    return max(timedelta(), min(until, _LONGEST_WAIT))


def next_hop(url: URL, location: str) -> URL:
    """Return where an answer sends us on. Raises FeedError where a feed may not be sent on to."""
    if not location:
        raise FeedError(f"{url.host} sends it on to nowhere")
    try:
        hop = url.join(URL(location))
    except ValueError:
        raise FeedError(f"{url.host} sends it on to an address that cannot be read") from None
    if hop.scheme not in ("http", "https") or not hop.host:
        raise FeedError(f"{url.host} sends it on to {hop.scheme or 'something'}:, which is not http or https")
    if url.scheme == "https" and hop.scheme == "http":
        raise FeedError(f"{url.host} sends it on from https to http, which anyone on the way could change")
    return hop


def is_literal(url: URL) -> bool:
    """Say whether the host is an address."""
    try:
        ip_address(str(url.host))
    except ValueError:
        return False
    return True


def is_private(url: URL, hosts: Hosts) -> bool:
    """Say whether an address is private by its spelling, or fixed in the configuration."""
    host = str(url.host or "").rstrip(".").lower()
    return host in hosts or is_private_by_spelling(host)
