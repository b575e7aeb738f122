"""The stream to the gateways: order, long poll, acknowledgement, taking back, beginning anew; and access requests."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from collector.store.database import Database
from collector.store.policy_stream import (
    TOMBSTONE_LIFE,
    Kind,
    begin_stream,
    excerpt,
    forget_tombstones,
    list_followers,
    tell,
)
from collector.store.policy_tables import POLICY_CHANGES
from collector.store.retention import sweep
from collector.web.parts import PARTS
from indicators.words import Category, Stage
from tests.collector.conftest import ADMIN, GATEWAY, NOW, READ
from tests.support.events import verdict

BAD = {"indicatorType": "DomainName", "action": "Block", "title": "T", "description": "D"}
ASKED = {"id": "ar-1", "gateway": "gw-1", "device": {"id": "dev-phone", "name": "Phone"}, "host": "Evil.example"}


async def _poll(running, after=0, stream="", wait=0):
    path = f"/api/v1/policy?after={after}&stream={stream}&wait={wait}&gateway=gw-1"
    status, body, _ = await running.ask("GET", path, GATEWAY)
    assert status == 200, body
    return body


async def _block(running, host):
    _, body, _ = await running.ask("POST", "/api/indicators", ADMIN, json={**BAD, "indicatorValue": host})
    return body["id"]


async def test_what_was_told_comes_in_order_and_once(running):
    first = await _poll(running)
    assert (first["reset"], first["changes"]) == (True, [])
    one, two = await _block(running, "a.example"), await _block(running, "b.example")
    body = await _poll(running, 0, first["stream"])
    assert [(change["kind"], change["key"]) for change in body["changes"]] == [("indicator", one), ("indicator", two)]
    assert body["changes"][0]["body"]["value"] == "a.example"
    assert await _block(running, "a.example") == one
    again = await _poll(running, body["last"], first["stream"])
    assert [change["key"] for change in again["changes"]] == [one]
    everything = await _poll(running, 0, first["stream"])
    assert [change["key"] for change in everything["changes"]] == [two, one], "the latest of each key, in order"
    assert (await _poll(running, again["last"], first["stream"]))["changes"] == []


async def test_a_poll_waits_for_the_next_change(running):
    stream = (await _poll(running))["stream"]
    waiting = asyncio.create_task(_poll(running, 0, stream, wait=50))
    await asyncio.sleep(0)
    number = await _block(running, "a.example")
    async with asyncio.timeout(10):
        body = await waiting
    assert [change["key"] for change in body["changes"]] == [number]


async def test_asking_onward_acknowledges(running):
    stream = (await _poll(running))["stream"]
    await _block(running, "a.example")
    last = (await _poll(running, 0, stream))["last"]
    await _poll(running, last, stream)
    async with running.service._app[PARTS].database.read() as connection:
        (row,) = await list_followers(connection)
    assert (row["gateway"], row["acknowledged"]) == ("gw-1", last)


async def test_a_reader_of_another_stream_or_from_the_future_begins_anew(running):
    stream = (await _poll(running))["stream"]
    await _block(running, "a.example")
    for after, name in ((1, "other"), (99, stream)):
        body = await _poll(running, after, name)
        assert (body["reset"], len(body["changes"])) == (True, 1)


@pytest.mark.parametrize("query", ["after=-1", "after=x", "wait=51", "after=99999999999999999999"])
async def test_wrong_numbers_are_named(running, query):
    status, body, _ = await running.ask("GET", f"/api/v1/policy?{query}", GATEWAY)
    assert (status, body["error"]["message"].split(":")[0]) == (400, query.split("=")[0])
    assert (await running.ask("GET", "/api/v1/policy", READ))[0] == 403


async def test_risk_and_groups_are_told_and_taken_back(running):
    await running.deliver(verdict(category=Category.MALWARE, stage=Stage.DOWNLOAD))
    _, body, _ = await running.ask("GET", "/api/alerts")
    await running.ask("PATCH", "/api/machines/dev-phone", ADMIN, json={"rbacGroupName": "children"})
    found = (await _poll(running))["changes"]
    assert [(change["kind"], change["key"], change["body"]) for change in found] == [
        ("risk", "dev-phone", {"level": "medium", "reasons": ["Malware file blocked (medium)"]}),
        ("group", "dev-phone", {"group": "children"}),
    ]
    await running.ask("PATCH", f"/api/alerts/{body['value'][0]['id']}", ADMIN, json={"status": "Resolved"})
    await running.ask("PATCH", "/api/machines/dev-phone", ADMIN, json={"rbacGroupName": None})
    assert [change["body"] for change in (await _poll(running))["changes"]] == [None, None]


async def test_pages_of_a_long_stream(database):
    await begin_stream(database)
    await begin_stream(database)
    async with database.write() as connection:
        for number in range(7):
            await tell(connection, Kind.INDICATOR, str(number), {"n": number}, NOW)
    async with database.read() as connection:
        name = (await excerpt(connection, 0, "")).stream
        seen, after, more = [], 0, True
        while more:
            page = await excerpt(connection, after, name, limit=3)
            seen += [row["key"] for row in page.changes]
            after, more = page.last, page.more
    assert seen == [str(number) for number in range(7)]


async def test_tombstones_are_forgotten_and_a_gateway_from_before_begins_anew(database: Database):
    await begin_stream(database)
    async with database.write() as connection:
        for number in range(3):
            await tell(connection, Kind.INDICATOR, str(number), {"n": number}, NOW)
        for number in (0, 1):
            await tell(connection, Kind.INDICATOR, str(number), None, NOW)
        await tell(connection, Kind.INDICATOR, "3", {"n": 3}, NOW)
    assert await forget_tombstones(database, NOW + TOMBSTONE_LIFE) == 0
    assert await forget_tombstones(database, NOW + TOMBSTONE_LIFE + timedelta(seconds=1)) == 2
    async with database.read() as connection:
        name = (await excerpt(connection, 0, "")).stream
        assert (await excerpt(connection, 3, name)).reset, "it may hold what was taken back"
        assert not (await excerpt(connection, 5, name)).reset
        assert [row.key for row in (await connection.execute(select(POLICY_CHANGES.c.key))).all()] == ["2", "3"]


async def test_an_access_request_from_asking_to_its_end(running):
    status, made, _ = await running.ask("POST", "/api/v1/access-requests", GATEWAY, json=ASKED)
    assert (status, made["status"], made["host"]) == (201, "pending", "evil.example")
    for repeated in (ASKED, {**ASKED, "id": "ar-2"}):
        status, same, _ = await running.ask("POST", "/api/v1/access-requests", GATEWAY, json=repeated)
        assert (status, same["id"]) == (200, "ar-1")
    assert len((await running.ask("GET", "/api/v1/access-requests?status=pending"))[1]["value"]) == 1
    approve = "/api/v1/access-requests/ar-1/approve"
    assert (await running.ask("POST", approve, READ, json={}))[0] == 403
    assert (await running.ask("POST", approve, ADMIN, json={"hours": 0}))[0] == 400
    status, body, _ = await running.ask("POST", approve, ADMIN, json={"hours": 2, "note": "Go on"})
    assert (status, body["status"], body["until"]) == (200, "approved", "2026-11-23T14:00:00.000Z")
    assert (await running.ask("POST", approve, ADMIN, json={}))[0] == 409
    (change,) = (await _poll(running))["changes"]
    assert (change["kind"], change["body"]) == (
        "approval",
        {"host": "evil.example", "device": "dev-phone", "until": "2026-11-23T14:00:00+00:00"},
    )
    assert (await running.ask("GET", "/api/v1/access-requests/ar-1", GATEWAY))[1]["decidedBy"] == "admin token"
    running.clock.advance(hours=2)
    assert (await running.ask("GET", "/api/v1/access-requests?status=expired"))[1]["value"][0]["status"] == "expired"
    assert (await running.ask("GET", "/api/v1/access-requests?status=approved"))[1]["value"] == []
    parts = running.service._app[PARTS]
    await sweep(parts.database, running.clock.now, timedelta(days=90))
    assert [change["body"] for change in (await _poll(running))["changes"]] == [None]
    assert (await running.ask("GET", "/api/v1/access-requests?status=expired"))[1]["value"][0]["status"] == "expired"


async def test_an_approval_is_taken_back_by_a_denial(running):
    await running.ask("POST", "/api/v1/access-requests", GATEWAY, json=ASKED)
    await running.ask("POST", "/api/v1/access-requests/ar-1/approve", ADMIN, json={})
    status, body, _ = await running.ask("POST", "/api/v1/access-requests/ar-1/deny", ADMIN, json={"note": "No"})
    assert (status, body["status"], body["decisionNote"]) == (200, "denied", "No")
    assert [change["body"] for change in (await _poll(running))["changes"]] == [None]
    assert (await running.ask("POST", "/api/v1/access-requests/no/deny", ADMIN, json={}))[0] == 404
    assert (await running.ask("GET", "/api/v1/access-requests/no"))[0] == 404


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"id": "a b"}, "id: expected"),
        ({"device": "x"}, "device: expected"),
        ({"device": {"id": ""}}, "id: expected text"),
        ({"host": "not a host!"}, "host: "),
        ({"note": "x" * 1001}, "note: expected"),
        ({"gateway": 1}, "gateway: expected"),
    ],
)
async def test_wrong_requests_are_named(running, changes, said):
    status, body, _ = await running.ask("POST", "/api/v1/access-requests", GATEWAY, json={**ASKED, **changes})
    assert status == 400
    assert body["error"]["message"].startswith(said)
    assert (await running.ask("GET", "/api/v1/access-requests?status=odd"))[0] == 400


async def test_a_device_cannot_fill_the_table(running):
    for number in range(50):
        asked = {**ASKED, "id": f"ar-{number}", "host": f"h{number}.example"}
        assert (await running.ask("POST", "/api/v1/access-requests", GATEWAY, json=asked))[0] == 201
    status, _, headers = await running.ask(
        "POST", "/api/v1/access-requests", GATEWAY, json={**ASKED, "id": "x", "host": "192.0.2.9"}
    )
    assert (status, headers["Retry-After"]) == (429, "60")
