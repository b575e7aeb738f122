"""TAXII 2.1 collections (OASIS): page after page, only what was added since the last time, kept as one STIX bundle.

The bundle is what the `stix` parser reads. Each object stands in it once, in its newest version, with the time at
which the server added it under `x_seawall_added`, so that `history` can drop it again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from yarl import URL

from proxy.feeds.arrival import Arrived, Sink
from proxy.feeds.client import Client
from proxy.feeds.inflate import FeedError
from proxy.feeds.json_text import load_json

MEDIA_TYPE = "application/taxii+json;version=2.1"
ADDED = "x_seawall_added"
_ADDED_LAST = "X-TAXII-Date-Added-Last"
_MAX_CURSOR = 64  # characters of a timestamp

type Objects = dict[str, dict[str, Any]]


async def fetch(client: Client, into: Path, before: Path | None, cursor: str, since: datetime | None) -> Arrived | None:
    """Fetch what was added after `cursor`, or since the beginning of the history; nothing when nothing was.

    Raises FeedError: a server that leads in circles, more pages than are allowed, an answer that is no envelope.
    """
    kept = read_objects(before, client.meter.limits.depth) if before and cursor else {}
    begin = cursor if kept else _timestamp(since)
    found: Objects = dict(kept)
    last = await _pages(client, begin, found)
    _drop_old(found, since)
    if kept and found == kept:
        return None
    return write(into, found, last or cursor)


async def _pages(client: Client, after: str, found: Objects) -> str:
    query = {"match[type]": "indicator", **({"added_after": after} if after else {})}
    last, asked = "", set()
    while True:
        client.meter.page()
        asked.add(tuple(sorted(query.items())))
        envelope, added = await _page(client, query)
        for one in _objects(envelope):
            _take(found, one, added)
        last = added or last
        if envelope.get("more") is not True:
            return last
        query = _following(query, envelope, added)
        if tuple(sorted(query.items())) in asked:
            raise FeedError("the collection's pages lead in circles: it answered with a place where we were")


async def _page(client: Client, query: dict[str, str]) -> tuple[dict[str, Any], str]:
    url = URL(client.asking.url.rstrip("/") + "/objects/").update_query(query)
    async with client.get(str(url), {"Accept": MEDIA_TYPE}) as answer:
        if answer.status != 200:
            raise FeedError(f"{answer.url.host} answered {answer.status} to a question that has no condition")
        envelope = await client.json(answer)
        return _envelope(envelope, answer), answer.headers.get(_ADDED_LAST, "")[:_MAX_CURSOR]


def _envelope(answer: Any, response: aiohttp.ClientResponse) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise FeedError(f"{response.url.host} answered with no TAXII envelope; is `url` that of a collection?")
    return answer


def _objects(envelope: dict[str, Any]) -> Iterator[dict[str, Any]]:
    objects = envelope.get("objects", [])
    if not isinstance(objects, list):
        raise FeedError("a page of the collection has `objects` that are no list")
    for one in objects:
        if isinstance(one, dict) and isinstance(one.get("id"), str):
            yield one


def _take(found: Objects, one: dict[str, Any], added: str) -> None:
    known = found.get(one["id"])
    if known is None or str(one.get("modified", "")) >= str(known.get("modified", "")):
        found[one["id"]] = {**one, ADDED: added or str(one.get("modified", ""))}


def _following(query: dict[str, str], envelope: dict[str, Any], added: str) -> dict[str, str]:
    """Return the next question: by `next`, or, where a server has none, by the time of the last object (3.7, 5.4)."""
    token = envelope.get("next")
    if isinstance(token, str) and token:
        return {**query, "next": token}
    if not added:
        raise FeedError("the collection says that there is more, and not how to ask for it")
    return {key: value for key, value in query.items() if key != "next"} | {"added_after": added}


def _timestamp(moment: datetime | None) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z") if moment else ""


def _drop_old(found: Objects, since: datetime | None) -> None:
    if since is None:
        return
    for name in [name for name, one in found.items() if _is_older(one, since)]:
        del found[name]


def _is_older(one: dict[str, Any], since: datetime) -> bool:
    try:
        added = datetime.fromisoformat(str(one.get(ADDED, "")))
    except ValueError:
        return False
    return (added if added.tzinfo else added.replace(tzinfo=UTC)) < since


def read_objects(path: Path, depth: int) -> Objects:
    """Return the objects of a bundle that was written here; none where it is damaged, which fetches all anew."""
    try:
        bundle = load_json(path.read_bytes(), depth)
        return {one["id"]: one for one in bundle["objects"]}
    except (FeedError, FileNotFoundError, KeyError, TypeError):
        return {}


def write(into: Path, found: Objects, cursor: str) -> Arrived:
    """Write a bundle, an object a line, in the order in which objects were first seen."""
    with Sink(into) as sink:
        sink.write(b'{"type":"bundle","objects":[')
        for place, one in enumerate(found.values()):
            sink.write((",\n" if place else "\n").encode() + json.dumps(one, separators=(",", ":")).encode())
        sink.write(b"\n]}\n")
        return Arrived(into, sink.finish(), cursor=cursor)
