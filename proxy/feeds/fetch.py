"""Fetch one version of a feed by its protocol, or read it from a file. Errors are said in words, without secrets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import aiohttp
from yarl import URL

from proxy.config.sections.feeds import FeedConfig
from proxy.feeds import misp, safebrowsing, taxii
from proxy.feeds.arrival import Arrived, Sink, unpacked
from proxy.feeds.client import Asking, Client, Hosts
from proxy.feeds.inflate import DEFAULT_LIMITS, AnswerError, FeedError, Inflater, Limits, Meter
from proxy.feeds.secret import read_secret

_CHUNK = 64 * 1024
_MEGABYTE = 2**20


@dataclass(frozen=True, slots=True)
class Before:
    """Hold what is known of the version that arrived last: its file, and what a conditional request needs."""

    path: Path | None = None
    etag: str = ""
    modified: str = ""
    cursor: str = ""


async def arrive(feed: FeedConfig, into: Path, hosts: Hosts, before: Before, now: datetime) -> Arrived | None:
    """Have the present version of a feed in a file; nothing when it has not changed. Raises FeedError."""
    if feed.path:
        return await asyncio.to_thread(read_file, feed.path, into, limits_of(feed))
    if not feed.url:
        raise FeedError("it has neither `url` nor `path`; give it one of them")
    since = now - feed.history if feed.history else None
    asking = Asking(feed.url, hosts, limits_of(feed), read_secret(feed), feed.user_agent)
    if feed.protocol == "taxii":
        return await _talk(asking, lambda client: taxii.fetch(client, into, before.path, before.cursor, since))
    if feed.protocol == "misp":
        return await _talk(asking, lambda client: misp.fetch(client, into, before.path, before.etag, since))
    if feed.protocol == "safebrowsing":
        return await _talk(asking, lambda client: safebrowsing.fetch(client, into, before.path, before.cursor))
    return await download(asking, into, before.etag, before.modified)


def limits_of(feed: FeedConfig) -> Limits:
    """Return the limits that the configuration sets."""
    return Limits(
        arrived=feed.max_megabytes * _MEGABYTE, inflated=feed.max_unpacked_megabytes * _MEGABYTE, pages=feed.max_pages
    )


async def download(asking: Asking, into: Path, etag: str = "", modified: str = "") -> Arrived | None:
    """Fetch one file; nothing when the server says that it has not changed. Raises FeedError."""
    return await _talk(asking, lambda client: _download(client, into, etag, modified))


async def _talk(asking: Asking, do: Callable[[Client], Awaitable[Arrived | None]]) -> Arrived | None:
    host, hide = URL(asking.url).host, asking.secret.hide
    try:
        async with asyncio.timeout(asking.limits.seconds), Client(asking) as client:
            return await do(client)
    except TimeoutError:
        raise FeedError(f"no answer in time from {host}") from None
    except AnswerError as error:
        raise AnswerError(hide(str(error)), error.status, error.wait) from None
    except FeedError as error:
        raise FeedError(hide(str(error))) from None
    except aiohttp.ClientError as error:
        raise FeedError(hide(_words(error, str(host)))) from None
    except ValueError as error:  # an address that yarl cannot read
        raise FeedError(hide(f"cannot fetch from {host}: {error}")) from None


def _words(error: aiohttp.ClientError, host: str) -> str:
    cause = error.__cause__ or error.__context__
    while cause:
        if isinstance(cause, FeedError):
            return str(cause)
        cause = cause.__cause__ or cause.__context__
    system = error.os_error.strerror if isinstance(error, aiohttp.ClientConnectorError) else ""
    return f"cannot fetch from {host}: {system or error or type(error).__name__}"


async def _download(client: Client, into: Path, etag: str, modified: str) -> Arrived | None:
    asked = {name: value for name, value in (("If-None-Match", etag), ("If-Modified-Since", modified)) if value}
    async with client.get(client.asking.url, {"Accept": "*/*", **asked}) as answer:
        if answer.status == 304:
            return None
        with Sink(into) as sink:
            async for plain in client.chunks(answer):
                sink.write(plain)
            digest = sink.finish()
        headers = answer.headers
    digest = await asyncio.to_thread(unpacked, into, digest, client.meter)
    return Arrived(into, digest, headers.get("ETag", "")[:512], headers.get("Last-Modified", "")[:128])


def read_file(source: Path, into: Path, limits: Limits = DEFAULT_LIMITS) -> Arrived:
    """Take a feed from a file of this machine, compressed or not. Raises FeedError."""
    meter = Meter(limits)
    inflater = Inflater(meter)
    try:
        with source.open("rb") as file, Sink(into) as sink:
            while chunk := file.read(_CHUNK):
                for plain in inflater.feed(chunk):
                    sink.write(plain)
            sink.write(inflater.close())
            digest = sink.finish()
        return Arrived(into, unpacked(into, digest, meter))
    except FeedError:
        raise
    except OSError as error:
        raise FeedError(f"{source}: {error.strerror or error}") from None
