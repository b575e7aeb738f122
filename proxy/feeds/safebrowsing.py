"""Safe Browsing v5 hash lists over `hashLists:batchGet`: one list a feed, full or as a change to the version before.

The wait that Google asks for (`minimumWaitDuration`) is kept. Decoding is `indicators.feeds.safebrowsing`'s alone.
"""

from __future__ import annotations

import asyncio
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from yarl import URL

from indicators.feeds.safebrowsing import merged
from proxy.feeds.arrival import Arrived, Sink
from proxy.feeds.client import Client
from proxy.feeds.inflate import FeedError

_SECONDS = re.compile(r"(\d{1,7})(?:\.\d{1,9})?s")


async def fetch(client: Client, into: Path, before: Path | None, version: str) -> Arrived | None:
    """Fetch a list, or what changed in it since `version`; nothing when nothing did. Raises FeedError."""
    held = await asyncio.to_thread(_read, before) if before and version else ""
    update = await _ask(client, version if held else "")
    unchanged = held and update.get("partialUpdate") is True and not _changes(update)
    text = held if unchanged else _merged(held, update)
    if not text and held:
        update = await _ask(client, "")  # what we hold and the change do not fit together
        text = _merged("", update)
    if not text:
        raise FeedError("its hash list is damaged: what it holds and its checksum do not fit together")
    with Sink(into) as sink:
        sink.write(text.encode())
        return Arrived(into, sink.finish(), cursor=str(update.get("version", ""))[:4096], wait=_wait(update))


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return ""


async def _ask(client: Client, version: str) -> dict[str, Any]:
    url = URL(client.asking.url).update_query({"alt": "json", **({"version": version} if version else {})})
    async with client.get(str(url), {"Accept": "application/json"}) as answer:
        found = await client.json(answer) if answer.status == 200 else None
    lists = found.get("hashLists", [found]) if isinstance(found, dict) else []
    if not (isinstance(lists, list) and len(lists) == 1 and isinstance(lists[0], dict)):
        raise FeedError("it did not answer with one hash list: name one list in `url` (`?names=se-4b`)")
    return lists[0]


def _merged(held: str, update: dict[str, Any]) -> str:
    try:
        return merged(held, json.dumps(update))
    except ValueError:
        return ""


def _changes(update: dict[str, Any]) -> bool:
    return any(key.startswith("additions") or key == "compressedRemovals" for key in update)


def _wait(update: dict[str, Any]) -> timedelta:
    found = _SECONDS.fullmatch(str(update.get("minimumWaitDuration", "")))
    return timedelta(seconds=int(found[1])) if found else timedelta()
