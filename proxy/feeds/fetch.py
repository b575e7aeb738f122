"""Fetch one feed: conditional, capped in bytes and time, and only from where a feed may come.

Each hop's resolved addresses must be global, unless the configured address itself is private by its spelling or fixed
in `dns.hosts`. No https to http. The address that is judged is the address that is connected to.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import BinaryIO

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from indicators.addresses import is_special
from proxy.feeds.inflate import FeedError, Inflater

TIMEOUT = 300.0  # seconds for one feed, all hops and bytes
_CONNECT = 20.0  # seconds
_SILENCE = 60.0  # seconds without a byte
_MAX_HOPS = 5
_CHUNK = 64 * 1024
_PRIVATE_NAME = (".localhost", ".local", ".internal", ".home.arpa", ".lan", ".test")
USER_AGENT = "seawall-feeds/1 (+web protection gateway)"


@dataclass(frozen=True, slots=True)
class Arrived:
    """Hold a version that arrived, whole, in a file of its own; `digest` is the SHA-256 of its plain text."""

    path: Path
    digest: str
    etag: str = ""
    modified: str = ""


class _Resolver(AbstractResolver):
    def __init__(self, hosts: Mapping[str, tuple[str, ...]], allow_private: bool) -> None:
        self._hosts = hosts
        self._allow_private = allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        fixed = self._hosts.get(host.rstrip(".").lower())
        found = fixed or await self._ask(host, port)
        if not fixed and not self._allow_private:
            _refuse_special(host, found)
        return [_result(host, address, port) for address in found]

    async def _ask(self, host: str, port: int) -> tuple[str, ...]:
        infos = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return tuple(dict.fromkeys(str(info[4][0]) for info in infos))

    async def close(self) -> None:
        """Hold nothing."""


def _result(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST)


def _refuse_special(host: str, addresses: tuple[str, ...]) -> None:
    for address in addresses:
        if is_special(ip_address(address.partition("%")[0])):
            raise FeedError(f"{host} leads to {address}, which is no public address; a feed may not lead there")


async def fetch(
    url: str, into: Path, hosts: Mapping[str, tuple[str, ...]], etag: str = "", modified: str = ""
) -> Arrived | None:
    """Fetch a feed into a file; nothing when the server says that it has not changed. Raises FeedError."""
    first = URL(url)
    private = _is_private(first, hosts)
    try:
        async with asyncio.timeout(TIMEOUT), _session(hosts, private) as session:
            return await _follow(session, first, into, private, etag, modified)
    except TimeoutError:
        raise FeedError(f"no answer in time from {first.host}") from None
    except aiohttp.ClientError as error:
        raise FeedError(_words(error, first)) from None


def _words(error: aiohttp.ClientError, url: URL) -> str:
    cause = error.__cause__ or error.__context__
    while cause:
        if isinstance(cause, FeedError):
            return str(cause)
        cause = cause.__cause__ or cause.__context__
    return f"cannot fetch from {url.host}: {error or type(error).__name__}"


def _session(hosts: Mapping[str, tuple[str, ...]], private: bool) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(resolver=_Resolver(hosts, private), use_dns_cache=False)
    limits = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT, sock_read=_SILENCE)
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "gzip", "Accept": "*/*"}
    return aiohttp.ClientSession(connector=connector, timeout=limits, headers=headers, auto_decompress=False)


async def _follow(
    session: aiohttp.ClientSession, url: URL, into: Path, private: bool, etag: str, modified: str
) -> Arrived | None:
    asked = {name: value for name, value in (("If-None-Match", etag), ("If-Modified-Since", modified)) if value}
    for _ in range(_MAX_HOPS + 1):
        if not private and _literal(url):
            _refuse_special("its address", (str(url.host),))
        async with session.get(url, headers=asked, allow_redirects=False) as answer:
            if answer.status in (301, 302, 303, 307, 308):
                url = _next_hop(url, answer.headers.get("Location", ""))
                continue
            return await _take(answer, into)
    raise FeedError(f"it was sent on more than {_MAX_HOPS} times")


async def _take(answer: aiohttp.ClientResponse, into: Path) -> Arrived | None:
    if answer.status == 304:
        return None
    if answer.status != 200:
        raise FeedError(f"{answer.url.host} answered {answer.status} {answer.reason or ''}".rstrip())
    coding = answer.headers.get("Content-Encoding", "identity").lower()
    if coding not in ("identity", "gzip", "x-gzip"):
        raise FeedError(f"{answer.url.host} sent it with the coding {coding!r}, which was not asked for")
    with _Sink(into) as sink:
        async for chunk in answer.content.iter_chunked(_CHUNK):
            sink.take(chunk)
        digest = sink.finish()
    return Arrived(into, digest, answer.headers.get("ETag", "")[:512], answer.headers.get("Last-Modified", "")[:128])


def _next_hop(url: URL, location: str) -> URL:
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


def _literal(url: URL) -> bool:
    try:
        ip_address(str(url.host))
    except ValueError:
        return False
    return True


def _is_private(url: URL, hosts: Mapping[str, tuple[str, ...]]) -> bool:
    host = str(url.host or "").rstrip(".").lower()
    if _literal(url):
        return is_special(ip_address(host))
    return host in hosts or "." not in host or host.endswith(_PRIVATE_NAME)


class _Sink:
    """Write plain text to a file and hash it on the way; the file is removed when it was not finished."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._inflater = Inflater()
        self._hash = hashlib.sha256()
        self._done = False

    def __enter__(self) -> _Sink:
        self._file: BinaryIO = self._path.open("wb")
        return self

    def take(self, chunk: bytes) -> None:
        for plain in self._inflater.feed(chunk):
            self._hash.update(plain)
            self._file.write(plain)

    def finish(self) -> str:
        rest = self._inflater.close()
        self._hash.update(rest)
        self._file.write(rest)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._done = True
        return self._hash.hexdigest()

    def __exit__(self, *_: object) -> None:
        self._file.close()
        if not self._done:
            with suppress(FileNotFoundError):
                self._path.unlink()


def read_file(source: Path, into: Path) -> Arrived:
    """Take a feed from a file of this machine, compressed or not. Raises FeedError."""
    try:
        with source.open("rb") as file, _Sink(into) as sink:
            for chunk in _chunks(lambda: file.read(_CHUNK)):
                sink.take(chunk)
            return Arrived(into, sink.finish())
    except FeedError:
        raise
    except OSError as error:
        raise FeedError(f"{source}: {error.strerror or error}") from None


def _chunks(read: Callable[[], bytes]) -> Iterator[bytes]:
    while chunk := read():
        yield chunk
