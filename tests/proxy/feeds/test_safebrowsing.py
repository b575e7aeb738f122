"""Safe Browsing v5, against a real server on loopback: whole lists, changes, the wait it asks for, and its key."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from proxy.feeds import ledger
from proxy.feeds.client import Asking, Client
from proxy.feeds.inflate import FeedError
from proxy.feeds.safebrowsing import fetch
from proxy.feeds.secret import Secret
from tests.support.feeds import Bench
from tests.support.rice import rice_field

ONE = sorted(sha256(name.encode()).digest()[:4] for name in ("evil.example/", "bad.example/"))
TWO = sorted([*ONE, sha256(b"worse.example/").digest()[:4]])


def answer_of(added: Sequence[bytes], after: Sequence[bytes], version: str, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"name": "se-4b", "version": version, "minimumWaitDuration": "1800.5s", **more}
    if added:
        found["additionsFourBytes"] = rice_field([int.from_bytes(one) for one in added], 32)
    found["sha256Checksum"] = b64encode(sha256(b"".join(after)).digest()).decode()
    return {"hashLists": [found]}


class Service:
    """Answer as the service does: a whole list without a version, else what `changes` holds for it."""

    def __init__(self, origin: Any) -> None:
        self.origin = origin
        self.whole = answer_of(ONE, ONE, "v1")
        self.changes: dict[str, Any] = {}
        origin.answer = self.answer

    def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.query.get("key") != "s3cret/key":
            return web.Response(status=403, reason=f"no key {request.query.get('key')}")
        assert (request.query["names"], request.query["alt"]) == ("se-4b", "json")
        return web.json_response(self.changes.get(request.query.get("version", ""), self.whole))

    async def fetch(self, into: Path, before: Path | None = None, version: str = "", key: str = "s3cret/key") -> Any:
        url = self.origin.url("/v5/hashLists:batchGet?names=se-4b")
        async with Client(Asking(url, secret=Secret(key, "query", "key"))) as client:
            return await fetch(client, into, before, version)


@pytest.fixture
def service(origin: Any) -> Service:
    return Service(origin)


def held(path: Path) -> list[bytes]:
    raw = b64decode(json.loads(path.read_text())["rawHashes"])
    return [raw[at : at + 4] for at in range(0, len(raw), 4)]


async def test_a_whole_list_and_then_its_changes(service: Service, tmp_path: Path) -> None:
    arrived = await service.fetch(tmp_path / "one")
    assert (arrived.cursor, arrived.wait) == ("v1", timedelta(seconds=1800))
    assert held(tmp_path / "one") == ONE
    service.changes["v1"] = answer_of([one for one in TWO if one not in ONE], TWO, "v2", partialUpdate=True)
    arrived = await service.fetch(tmp_path / "two", tmp_path / "one", "v1")
    assert arrived.cursor == "v2"
    assert held(tmp_path / "two") == TWO


async def test_no_change_leaves_the_list_as_it_is(service: Service, tmp_path: Path) -> None:
    first = await service.fetch(tmp_path / "one")
    service.changes["v1"] = answer_of([], ONE, "v2", partialUpdate=True)
    again = await service.fetch(tmp_path / "two", tmp_path / "one", "v1")
    assert (again.digest, again.cursor) == (first.digest, "v2")


async def test_a_change_that_does_not_fit_is_followed_by_the_whole_list(service: Service, tmp_path: Path) -> None:
    await service.fetch(tmp_path / "one")
    service.changes["v1"] = answer_of(TWO[:1], ONE[:1], "v2", partialUpdate=True)
    service.whole = answer_of(TWO, TWO, "v3")
    arrived = await service.fetch(tmp_path / "two", tmp_path / "one", "v1")
    assert arrived.cursor == "v3"
    assert held(tmp_path / "two") == TWO
    assert await service.fetch(tmp_path / "two", tmp_path / "gone", "v1") is not None


@pytest.mark.parametrize(
    ("whole", "why"),
    [
        ([], "did not answer with one hash list"),
        ({"hashLists": []}, "did not answer with one hash list"),
        ({"hashLists": [{}, {}]}, "did not answer with one hash list"),
        (answer_of(ONE, TWO, "v1"), "do not fit together"),
    ],
)
async def test_what_is_no_list_is_refused(service: Service, tmp_path: Path, whole: Any, why: str) -> None:
    service.whole = whole
    with pytest.raises(FeedError, match=why):
        await service.fetch(tmp_path / "one")
    assert not (tmp_path / "one").exists()


async def test_as_a_feed_it_keeps_the_wait_and_the_key(
    service: Service, origin: Any, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = origin.url("/v5/hashLists:batchGet?names=se-4b")
    key = {"env": "SEAWALL_TEST_KEY", "send": "query", "name": "key"}
    bench.feeds["gsb"] = {"name": "gsb", "url": url, "protocol": "safebrowsing", "key": key, "insecure_ok": True}
    monkeypatch.delenv("SEAWALL_TEST_KEY", raising=False)
    await bench.run_aside()
    assert (
        bench.status("gsb").reason
        == "not yet fetched: it needs a key of yours: set the environment variable SEAWALL_TEST_KEY"
    )
    monkeypatch.setenv("SEAWALL_TEST_KEY", "wrong-key")
    await bench.run_aside()
    assert bench.status("gsb").reason == "not yet fetched: 127.0.0.1 answered 403 no key ***"
    monkeypatch.setenv("SEAWALL_TEST_KEY", "s3cret/key")
    assert "taken" in await bench.run_aside()
    assert bench.status("gsb").entries == 2
    asked = len(origin.requests)
    bench.now += timedelta(minutes=29)
    assert await bench.run_aside() == ["waiting", "current"]
    assert len(origin.requests) == asked
    bench.now += timedelta(minutes=2)
    service.changes["v1"] = answer_of([], ONE, "v2", partialUpdate=True)
    assert await bench.run_aside() == ["fetching", "unchanged", "current"]
    assert ledger.read(bench.state, "gsb").cursor == "v2"
    everything = b"".join(path.read_bytes() for path in bench.state.root.rglob("*") if path.is_file())
    assert b"s3cret" not in everything
    assert b"wrong-key" not in everything
