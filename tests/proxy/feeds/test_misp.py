"""MISP feeds, against a real server on loopback: the manifest decides what is fetched, and only that is."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from proxy.feeds.client import Asking, Client
from proxy.feeds.inflate import AnswerError, FeedError, Limits
from proxy.feeds.misp import STAMP, fetch, read_events
from tests.support.feeds import Bench


def uuid(number: int) -> str:
    return f"{number:08d}-0000-4000-8000-000000000000"


def event(number: int, *hosts: str) -> dict[str, Any]:
    attributes = [{"type": "domain", "value": host, "to_ids": not host.startswith("www")} for host in hosts]
    return {"Event": {"uuid": uuid(number), "info": "x", "Attribute": attributes}}


class Folder:
    """Serve a folder of events."""

    def __init__(self, origin: Any) -> None:
        self.origin = origin
        self.manifest: Any = {}
        self.events: dict[str, Any] = {}
        self.etag = ""
        origin.answer = self.answer

    def put(self, number: int, stamp: int, *hosts: str) -> None:
        self.manifest[uuid(number)] = {"timestamp": str(stamp), "info": "x"}
        self.events[uuid(number)] = event(number, *hosts)

    def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        name = request.path.removeprefix("/feed/").removesuffix(".json")
        if name == "manifest" and self.etag and request.headers.get("If-None-Match") == self.etag:
            return web.Response(status=304)
        found = self.manifest if name == "manifest" else self.events.get(name)
        return web.json_response(found, headers={"ETag": self.etag}) if found is not None else web.Response(status=404)

    @property
    def asked(self) -> list[str]:
        found = [one.path.rpartition("/")[2].removesuffix(".json") for one in self.origin.requests]
        self.origin.requests.clear()
        return found

    async def fetch(
        self, into: Path, before: Path | None = None, etag: str = "", since: datetime | None = None, pages: int = 99
    ) -> Any:
        asking = Asking(self.origin.url("/feed"), limits=Limits(pages=pages))
        async with Client(asking) as client:
            return await fetch(client, into, before, etag, since)


@pytest.fixture
def folder(origin: Any) -> Folder:
    return Folder(origin)


async def test_only_events_that_are_new_or_changed_are_fetched(folder: Folder, tmp_path: Path) -> None:
    for number in range(4):
        folder.put(number, 100, f"h{number}.example")
    assert await folder.fetch(tmp_path / "one") is not None
    assert folder.asked == ["manifest", *(uuid(number) for number in range(4))]

    assert await folder.fetch(tmp_path / "two", tmp_path / "one") is None
    assert folder.asked == ["manifest"]

    folder.put(1, 101, "changed.example")
    folder.put(9, 101, "new.example")
    del folder.manifest[uuid(3)]
    assert await folder.fetch(tmp_path / "two", tmp_path / "one") is not None
    assert folder.asked == ["manifest", uuid(1), uuid(9)]
    kept = read_events(tmp_path / "two", 64)
    assert {name: one["Event"]["Attribute"][0]["value"] for name, one in kept.items()} == {
        uuid(0): "h0.example",
        uuid(1): "changed.example",
        uuid(2): "h2.example",
        uuid(9): "new.example",
    }
    assert kept[uuid(1)][STAMP] == "101"


async def test_an_unchanged_manifest_is_not_even_sent(folder: Folder, tmp_path: Path) -> None:
    folder.etag = '"m1"'
    folder.put(0, 100, "h.example")
    arrived = await folder.fetch(tmp_path / "one")
    assert arrived.etag == '"m1"'
    assert await folder.fetch(tmp_path / "two", tmp_path / "one", '"m1"') is None


async def test_history_leaves_old_events_alone(folder: Folder, tmp_path: Path) -> None:
    folder.put(0, 100, "old.example")
    folder.put(1, 2000, "new.example")
    folder.put(2, 0, "undated.example")
    folder.manifest[uuid(2)] = {}
    await folder.fetch(tmp_path / "one", since=datetime.fromtimestamp(1000, UTC))
    assert set(read_events(tmp_path / "one", 64)) == {uuid(1), uuid(2)}
    assert uuid(0) not in folder.asked


async def test_an_event_that_is_not_there_is_left_out_and_said(folder: Folder, tmp_path: Path) -> None:
    folder.etag = '"m1"'
    folder.put(0, 100, "h.example")
    folder.put(1, 100, "gone.example")
    del folder.events[uuid(1)]
    arrived = await folder.fetch(tmp_path / "one")
    assert arrived.note == f"1 events of its manifest are not there: {uuid(1)}"
    assert arrived.etag == ""  # so that it is looked for again
    assert set(read_events(tmp_path / "one", 64)) == {uuid(0)}


@pytest.mark.parametrize(
    ("manifest", "events", "why"),
    [
        ([], {}, "is no manifest"),
        ({"../../etc/passwd": {}}, {}, "names '../../etc/passwd', which is no event"),
        ({uuid(0): 5}, {}, "which is no event"),
        ({uuid(0): {}}, {uuid(0): {"Response": 1}}, "is no MISP event"),
        ({uuid(number): {} for number in range(9)}, {uuid(n): event(n) for n in range(9)}, "more than 5 pages"),
    ],
)
async def test_what_no_feed_should_hold(
    folder: Folder, tmp_path: Path, manifest: Any, events: dict[str, Any], why: str
) -> None:
    folder.manifest, folder.events = manifest, events
    with pytest.raises(FeedError, match=why):
        await folder.fetch(tmp_path / "one", pages=5)
    assert not (tmp_path / "one").exists()


async def test_a_server_that_fails_is_not_an_event_that_is_gone(origin: Any, folder: Folder, tmp_path: Path) -> None:
    folder.put(0, 100, "h.example")
    whole = origin.answer
    origin.answer = lambda request: whole(request) if "manifest" in request.path else web.Response(status=500)
    with pytest.raises(AnswerError, match="500"):
        await folder.fetch(tmp_path / "one")


async def test_a_file_that_is_damaged_is_fetched_anew(folder: Folder, tmp_path: Path) -> None:
    folder.put(0, 100, "h.example")
    (tmp_path / "bad").write_text('[{"Event": 5}]')
    assert await folder.fetch(tmp_path / "one", tmp_path / "bad") is not None


async def test_a_real_feed_is_in_force_and_counts_what_is_not_for_detection(
    folder: Folder, bench: Bench, origin: Any, large_data: Callable[[str], Path]
) -> None:
    here = large_data("data/misp")
    manifest = json.loads(gzip.decompress((here / "manifest.json.gz").read_bytes()))
    for path in sorted(here.glob("*-*.json.gz")):
        name = path.name.removesuffix(".json.gz")
        folder.events[name] = json.loads(gzip.decompress(path.read_bytes()))
        folder.manifest[name] = manifest[name]
    folder.events[uuid(7)] = event(7, "only-here.example", "www.not-for-detection.example")
    folder.manifest[uuid(7)] = {"timestamp": "1"}
    bench.feeds["misp"] = {"name": "misp", "url": origin.url("/feed/"), "protocol": "misp"}
    assert "taken" in await bench.run_aside()
    assert len(folder.asked) == len(folder.events) + 1 > 40
    assert bench.snapshot.mentions("only-here.example")
    assert not bench.snapshot.mentions("www.not-for-detection.example")
    assert bench.status("misp").kept > 500
    folder.put(7, 2, "other.example")
    assert "taken" in await bench.run_aside()
    assert folder.asked == ["manifest", uuid(7)]
    assert bench.snapshot.mentions("other.example")
    assert not bench.snapshot.mentions("only-here.example")
