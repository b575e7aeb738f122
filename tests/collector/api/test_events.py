"""Deliveries over a real socket: both forms, gzip, limits, per-event reasons, and what is asked to come again."""

from __future__ import annotations

import asyncio
import gzip
import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from collector.settings import IngestLimits
from indicators.event_wire import to_json
from tests.support.events import device_seen, repeat, verdict


async def post(running, data: bytes, content_type: str = "application/json", **headers: str):
    headers = {"Content-Type": content_type, **headers}
    return await running.ask("POST", "/api/v1/events", "gateway-token-0123", data=data, headers=headers)


async def test_json_batch_is_kept_once(running):
    assert await running.deliver(verdict(), repeat("r"), device_seen("d")) == {
        "accepted": 3,
        "duplicates": 0,
        "rejected": [],
    }
    assert (await running.deliver(verdict(), verdict()))["duplicates"] == 2


async def test_ndjson_isolates_a_bad_line(running):
    lines = [json.dumps(to_json(verdict())).encode(), b"", b"{broken", json.dumps(to_json(device_seen("d"))).encode()]
    status, body, _ = await post(running, b"\n".join(lines), "application/x-ndjson")
    assert (status, body["accepted"]) == (200, 2)
    (refused,) = body["rejected"]
    assert refused["index"] == 1
    assert "not JSON" in refused["error"]


async def test_each_refused_event_says_its_field_and_the_rest_is_kept(running):
    wrong = [
        to_json(verdict("a")) | {"time": "yesterday"},
        to_json(verdict("b")) | {"incident": "other"},
        to_json(verdict("c")) | {"time": "0001-01-01T00:00:00+14:00"},
        7,
        to_json(verdict("e")) | {"v": 2},
    ]
    batch = {"events": [*wrong, to_json(verdict("good"))]}
    status, body, _ = await running.ask("POST", "/api/v1/events", "gateway-token-0123", json=batch)
    assert (status, body["accepted"]) == (200, 1)
    told = {row["index"]: (row["id"], row["error"]) for row in body["rejected"]}
    assert told[0] == ("a", "time: expected an RFC 3339 time, got 'yesterday'")
    assert told[1][1].startswith("incident:")
    assert told[2][0] == "c"
    assert told[3][1].startswith("event: expected an object")
    assert told[4][1].startswith("v:")


async def test_gzip_is_read(running):
    body = gzip.compress(json.dumps({"events": [to_json(verdict())]}).encode())
    status, answer, _ = await post(running, body, **{"Content-Encoding": "gzip"})
    assert (status, answer["accepted"]) == (200, 1)


async def test_text_that_no_database_keeps_is_replaced(running):
    event = to_json(verdict(title="a\x00b", reason="\ud800"))
    await post(running, json.dumps({"events": [event]}).encode())
    _, alerts, _ = await running.ask("GET", "/api/alerts")
    assert alerts["value"][0]["title"] == "a\ufffdb"


@pytest.mark.parametrize(
    ("data", "content_type", "status", "words"),
    [
        (b"{", "application/json", 400, "not JSON"),
        (b"[]", "application/json", 400, "expected {"),
        (b'{"events": 7}', "application/json", 400, "expected {"),
        (b"[" * 100_000, "application/json", 400, "body:"),
        (b"\xff\xfe", "application/json", 400, "not JSON"),
        (b"x", "text/plain", 415, "Content-Type"),
    ],
)
async def test_a_body_that_is_not_the_announced_form(running, data, content_type, status, words):
    got, body, _ = await post(running, data, content_type)
    assert got == status
    assert words in body["error"]["message"]


async def test_damaged_gzip_is_a_client_error(running):
    status, _, _ = await post(running, b"\x1f\x8b\x08 broken", **{"Content-Encoding": "gzip"})
    assert status == 400


@pytest.fixture
def collector_settings(collector_settings, request):
    return replace(collector_settings, limits=getattr(request, "param", collector_settings.limits))


SMALL = IngestLimits(body_bytes=2000, inflated_bytes=20_000, events=3, working=1, waiting=1, seconds=0.3)


@pytest.mark.parametrize("collector_settings", [SMALL], indirect=True)
async def test_limits(running):
    small = json.dumps({"events": [to_json(device_seen(f"d{i}")) for i in range(4)]}).encode()
    status, body, _ = await post(running, small)
    assert (status, body["error"]["message"]) == (413, "events: 4 in one batch, at most 3 are taken")
    assert (await post(running, b" " * 2001))[0] == 413

    async def chunked():
        for _ in range(30):
            yield b" " * 100

    assert (await post(running, chunked()))[0] == 413
    bomb = gzip.compress(b" " * 1_000_000)
    assert len(bomb) < 2000
    status, body, _ = await post(running, bomb, **{"Content-Encoding": "gzip"})
    assert status == 413
    assert "inflates" in body["error"]["message"]


@pytest.mark.parametrize("collector_settings", [SMALL], indirect=True)
async def test_slow_bodies_end_and_crowds_are_told_to_come_again(running):
    release = asyncio.Event()
    begun = asyncio.Semaphore(0)

    async def slow():
        yield b"{"
        begun.release()
        await release.wait()

    waiting = [asyncio.create_task(post(running, slow())) for _ in range(2)]
    for _ in waiting:
        await begun.acquire()
    deadline = asyncio.get_running_loop().time() + 5
    while True:
        status, _, headers = await post(running, b'{"events": []}')
        if status == 429 or asyncio.get_running_loop().time() > deadline:
            break
    assert (status, headers["Retry-After"]) == (429, "2")
    assert {status for status, _, _ in await asyncio.gather(*waiting)} == {408}
    assert (await post(running, b'{"events": []}'))[0] == 200


async def test_a_database_that_fails_asks_to_come_again(running, collector_settings):
    """A batch that cannot be kept whole is not kept at all, and not acknowledged."""
    path = collector_settings.database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        await asyncio.to_thread(other.execute, "DROP TABLE receipts")  # the sweep at start may be writing just now
        batch = {"events": [to_json(verdict()), to_json(device_seen("d"))]}
        status, body, headers = await running.ask("POST", "/api/v1/events", "gateway-token-0123", json=batch)
        assert (status, headers["Retry-After"]) == (503, "5")
        assert "receipts" not in body["error"]["message"]
        assert other.execute("SELECT count(*) FROM events").fetchone() == (0,)
