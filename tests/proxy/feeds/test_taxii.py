"""TAXII 2.1, against a real server on loopback: pages, what was added since, history, and servers that do it wrong."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from indicators.feeds.stix import parse
from proxy.feeds.client import Asking, Client
from proxy.feeds.inflate import FeedError, Limits
from proxy.feeds.taxii import ADDED, MEDIA_TYPE, fetch, read_objects
from tests.support.feeds import Bench

DAY = datetime(2026, 7, 24, tzinfo=UTC)


def indicator(number: int, day: int = 0, **fields: Any) -> dict[str, Any]:
    return {
        "type": "indicator",
        "id": f"indicator--{number:08d}-0000-4000-8000-000000000000",
        "modified": (DAY + timedelta(days=day)).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "pattern": f"[domain-name:value = 'h{number}.example']",
        "pattern_type": "stix",
        **fields,
    }


class Collection:
    """Serve a collection as a TAXII server does. `tokens` tells whether it gives `next` on its pages."""

    def __init__(self, origin: Any, page: int = 2, tokens: bool = True) -> None:
        self.origin = origin
        self.page = page
        self.tokens = tokens
        self.objects: list[tuple[str, dict[str, Any]]] = []
        origin.answer = self.answer

    def add(self, added: datetime, *objects: dict[str, Any]) -> None:
        self.objects += [(added.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), one) for one in objects]

    def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        assert request.headers["Accept"] == MEDIA_TYPE
        assert request.path == "/api1/collections/c1/objects/"
        assert request.query["match[type]"] == "indicator"
        after, at = request.query.get("added_after", ""), int(request.query.get("next", "0"))
        wanted = [(when, one) for when, one in self.objects if when > after]
        page = wanted[at : at + self.page]
        more = at + self.page < len(wanted)
        body: dict[str, Any] = {"objects": [one for _, one in page]} if page else {}
        if more:
            body |= {"more": True} | ({"next": str(at + self.page)} if self.tokens else {})
        headers = {"X-TAXII-Date-Added-Last": page[-1][0]} if page else {}
        return web.Response(body=json.dumps(body), content_type="application/taxii+json", headers=headers)

    @property
    def asked(self) -> list[dict[str, str]]:
        queries = [one.query for one in self.origin.requests]
        self.origin.requests.clear()
        return [{key: value for key, value in query.items() if key != "match[type]"} for query in queries]

    async def fetch(
        self, into: Path, before: Path | None = None, cursor: str = "", since: datetime | None = None, pages: int = 99
    ) -> Any:
        asking = Asking(self.origin.url("/api1/collections/c1/"), limits=Limits(pages=pages))
        async with Client(asking) as client:
            return await fetch(client, into, before, cursor, since)


@pytest.fixture
def collection(origin: Any) -> Collection:
    return Collection(origin)


@pytest.mark.parametrize("tokens", [True, False])
async def test_every_page_is_fetched_once_and_then_only_what_was_added(
    origin: Any, tmp_path: Path, tokens: bool
) -> None:
    collection = Collection(origin, tokens=tokens)
    for number in range(5):
        collection.add(DAY + timedelta(hours=number), indicator(number))
    arrived = await collection.fetch(tmp_path / "one")
    last = "2026-07-24T04:00:00.000000Z"
    assert arrived.cursor == last
    asked = collection.asked
    assert len(asked) == 3
    assert ("next" in asked[1]) is tokens
    assert ("added_after" in asked[1]) is not tokens
    hosts = [outcome.value for outcome in parse([(tmp_path / "one").read_text()]) if hasattr(outcome, "value")]
    assert hosts == [f"h{number}.example" for number in range(5)]

    assert await collection.fetch(tmp_path / "two", tmp_path / "one", last) is None
    assert collection.asked == [{"added_after": last}]

    collection.add(DAY + timedelta(days=1), indicator(9, day=1), indicator(1, day=1, revoked=True))
    arrived = await collection.fetch(tmp_path / "two", tmp_path / "one", last)
    assert arrived.cursor == "2026-07-25T00:00:00.000000Z"
    assert collection.asked == [{"added_after": last}]
    outcomes = list(parse([(tmp_path / "two").read_text()]))
    assert [one.value for one in outcomes if hasattr(one, "value")] == [f"h{n}.example" for n in (0, 2, 3, 4, 9)]
    assert ["withdrawn" in one.why for one in outcomes if hasattr(one, "why")] == [True]


async def test_an_older_version_of_an_object_does_not_replace_a_newer(collection: Collection, tmp_path: Path) -> None:
    collection.add(DAY, indicator(1, day=2, name="new"), indicator(1, day=1, name="old"))
    await collection.fetch(tmp_path / "one")
    assert [one["name"] for one in read_objects(tmp_path / "one", 64).values()] == ["new"]


async def test_history_is_where_it_begins_and_what_is_dropped(origin: Any, tmp_path: Path) -> None:
    """A server tells when the last object of a page was added: none is dropped before its page is older."""
    collection = Collection(origin, page=1)
    collection.add(DAY, indicator(1))
    collection.add(DAY + timedelta(days=9), indicator(2))
    arrived = await collection.fetch(tmp_path / "one", since=DAY - timedelta(days=1))
    assert collection.asked[0]["added_after"] == "2026-07-23T00:00:00.000000Z"
    assert len(read_objects(tmp_path / "one", 64)) == 2
    await collection.fetch(tmp_path / "two", tmp_path / "one", arrived.cursor, since=DAY + timedelta(days=5))
    (left,) = read_objects(tmp_path / "two", 64).values()
    assert (left["id"], left[ADDED]) == (indicator(2)["id"], "2026-08-02T00:00:00.000000Z")


async def test_a_file_that_is_damaged_or_gone_is_fetched_anew(collection: Collection, tmp_path: Path) -> None:
    collection.add(DAY, indicator(1))
    (tmp_path / "bad").write_text("{")
    for before in (tmp_path / "bad", tmp_path / "none"):
        arrived = await collection.fetch(tmp_path / "one", before, "2027-01-01T00:00:00Z")
        assert arrived is not None
        assert collection.asked == [{}]


@pytest.mark.parametrize(
    ("body", "headers", "why"),
    [
        ("[]", {}, "no TAXII envelope"),
        ("<html>", {}, "is no JSON"),
        ('{"objects": 5}', {}, "that are no list"),
        ('{"more": true}', {}, "not how to ask for it"),
        ('{"more": true, "next": "0"}', {}, "lead in circles"),
        ('{"more": true}', {"X-TAXII-Date-Added-Last": "t"}, "lead in circles"),
        ("[" * 100 + "]" * 100, {}, "nested deeper than 64"),
    ],
)
async def test_what_no_server_should_answer(
    origin: Any, collection: Collection, tmp_path: Path, body: str, headers: dict[str, str], why: str
) -> None:
    origin.answer = lambda _: web.Response(body=body, headers=headers)
    with pytest.raises(FeedError, match=why):
        await collection.fetch(tmp_path / "one")
    assert not (tmp_path / "one").exists()
    assert len(origin.requests) < 4


async def test_a_collection_without_end_is_cut_off(origin: Any, collection: Collection, tmp_path: Path) -> None:
    def answer(request: web.BaseRequest) -> web.Response:
        return web.json_response({"more": True, "next": str(int(request.query.get("next", "0")) + 1)})

    origin.answer = answer
    with pytest.raises(FeedError, match=r"more than 7 pages \(`max_pages`"):
        await collection.fetch(tmp_path / "one", pages=7)
    assert len(origin.requests) == 7


async def test_a_real_collection_is_in_force_page_by_page(
    origin: Any, bench: Bench, large_data: Callable[[str], Path]
) -> None:
    collection = Collection(origin, page=150)
    pages = sorted(large_data("data/taxii").glob("*.json.gz"))
    for number, page in enumerate(pages[:6]):
        collection.add(DAY + timedelta(hours=number), *json.loads(gzip.decompress(page.read_bytes())))
    bench.feeds["live"] = {"name": "live", "url": origin.url("/api1/collections/c1/"), "protocol": "taxii"}
    assert "taken" in await bench.run_aside()
    first = bench.status("live")
    assert first.format == "stix"
    assert first.kept + first.demoted > 600
    assert len(collection.asked) == -(-len(collection.objects) // 150)
    assert "unchanged" in await bench.run_aside()
    assert len(collection.asked) == 1
    for number, page in enumerate(pages[6:8]):
        collection.add(DAY + timedelta(days=1, hours=number), *json.loads(gzip.decompress(page.read_bytes())))
    assert "taken" in await bench.run_aside()
    assert bench.status("live").entries > first.entries
