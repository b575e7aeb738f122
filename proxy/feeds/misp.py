"""MISP feeds: a folder with `manifest.json` and an event in each `UUID.json`; only events that changed are fetched.

What is kept is a JSON list of events, as the `misp` parser reads it (which uses `to_ids` attributes alone), each with
the timestamp that the manifest gave for it under `manifest_timestamp`.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from proxy.feeds.arrival import Arrived, Sink
from proxy.feeds.client import Client
from proxy.feeds.inflate import AnswerError, FeedError
from proxy.feeds.json_text import load_json

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_GONE = (404, 410)
STAMP = "manifest_timestamp"

type Events = dict[str, dict[str, Any]]


async def fetch(client: Client, into: Path, before: Path | None, etag: str, since: datetime | None) -> Arrived | None:
    """Fetch the manifest and the events that are new or changed; nothing when nothing changed. Raises FeedError.

    An event that the manifest names and the server does not have is left out, and named in the note.
    """
    kept = read_events(before, client.meter.limits.depth) if before else {}
    base = client.asking.url.rstrip("/") + "/"
    condition = {"If-None-Match": etag} if etag and kept and since is None else {}
    async with client.get(base + "manifest.json", {"Accept": "application/json", **condition}) as answer:
        if answer.status == 304:
            return None
        wanted = _manifest(await client.json(answer), since)
        etag = answer.headers.get("ETag", "")[:512]
    found, missing = await _events(client, base, wanted, kept)
    if kept and found == kept:
        return None
    return _written(into, found, "" if missing else etag, missing)


def _manifest(manifest: Any, since: datetime | None) -> dict[str, str]:
    """Return the wanted events' timestamps by their ids."""
    if not isinstance(manifest, dict):
        raise FeedError("its manifest.json is no manifest; is `url` the folder of a MISP feed?")
    wanted = {}
    for uuid, about in manifest.items():
        if not (_UUID.fullmatch(uuid) and isinstance(about, dict)):
            raise FeedError(f"its manifest names {uuid[:60]!r}, which is no event")
        stamp = str(about.get("timestamp", ""))
        if since is None or _moment(stamp) >= since:
            wanted[uuid.lower()] = stamp
    return wanted


def _moment(stamp: str) -> datetime:
    try:
        return datetime.fromtimestamp(int(stamp), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.max.replace(tzinfo=UTC)  # of an unknown time, and so not old


async def _events(client: Client, base: str, wanted: dict[str, str], kept: Events) -> tuple[Events, list[str]]:
    found: Events = {}
    missing: list[str] = []
    for uuid, stamp in wanted.items():
        known = kept.get(uuid)
        if known and known.get(STAMP) == stamp:
            found[uuid] = known
            continue
        client.meter.page()
        try:
            found[uuid] = await _event(client, f"{base}{uuid}.json", stamp)
        except AnswerError as error:
            if error.status not in _GONE:
                raise
            missing.append(uuid)
    return found, missing


async def _event(client: Client, url: str, stamp: str) -> dict[str, Any]:
    async with client.get(url, {"Accept": "application/json"}) as answer:
        event = await client.json(answer) if answer.status == 200 else None
    if not (isinstance(event, dict) and isinstance(event.get("Event"), dict)):
        raise FeedError(f"{url.rpartition('/')[2]} is no MISP event")
    return {"Event": event["Event"], STAMP: stamp}


def read_events(path: Path, depth: int) -> Events:
    """Return the events of a list that was written here; none where it is damaged, which fetches all anew."""
    try:
        events = load_json(path.read_bytes(), depth)
        return {str(one["Event"]["uuid"]).lower(): one for one in events}
    except (FeedError, FileNotFoundError, KeyError, TypeError):
        return {}


def _written(into: Path, found: Events, etag: str, missing: list[str]) -> Arrived:
    with Sink(into) as sink:
        sink.write(b"[")
        for place, one in enumerate(found.values()):
            sink.write((",\n" if place else "\n").encode() + json.dumps(one, separators=(",", ":")).encode())
        sink.write(b"\n]\n")
        note = f"{len(missing)} events of its manifest are not there: {', '.join(missing[:3])}" if missing else ""
        return Arrived(into, sink.finish(), etag=etag, note=note)
