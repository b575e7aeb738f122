"""An instruction to forget: told once for each exception, written down, ended with its device or after a month."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from collector.audit.log import list_entries
from collector.store.device_deletion import delete_device
from collector.store.gateways import keep_status, list_gateways
from collector.store.ingest import record
from collector.store.pin_clearing import Clearing, clear_pins, clearings
from collector.store.policy_stream import TOMBSTONE_LIFE, Kind, begin_stream, excerpt, forget_tombstones, tell
from tests.collector.conftest import NOW
from tests.support.events import PHONE, verdict

UNTIL = NOW + timedelta(hours=9, microseconds=7)
ONE = Clearing("gw-1", UNTIL, PHONE.id, "bank.example", "t13d")


async def told(database):
    async with database.read() as connection:
        return [(row["kind"], row["body"]) for row in (await excerpt(connection, 0, "")).changes]


async def test_it_is_told_once_and_written_down(database):
    await begin_stream(database)
    later = replace(ONE, until=UNTIL + timedelta(days=1))
    for one in (ONE, later):
        await clear_pins(database, [one], "mira", NOW)
    ((kind, body),) = await told(database)
    assert (kind, body["gateway"], body["host"], body["until"]) == (
        "unpin", "gw-1", "bank.example", later.until.isoformat(),
    )  # fmt: skip
    async with database.read() as connection:
        assert await clearings(connection) == [later]
        entries = await list_entries(connection)
    assert [(entry["who"], entry["what"], entry["target"]) for entry in entries] == [
        ("mira", "pin.clear", "bank.example")
    ] * 2
    assert entries[1]["detail"]["until"] == UNTIL.isoformat()


@pytest.mark.parametrize(
    ("asked", "covered"),
    [
        (ONE, True),
        (Clearing("gw-1", UNTIL), True),
        (Clearing("gw-2", UNTIL), False),
        (Clearing("gw-1", UNTIL - timedelta(microseconds=1)), False),
        (replace(ONE, ja4="q13"), False),
        (replace(ONE, host="a.bank.example"), False),
        (replace(ONE, device="another"), False),
    ],
)
def test_what_it_covers(asked, covered):
    assert asked.covers(ONE) is covered


async def test_it_ends_after_a_month(database):
    await begin_stream(database)
    await clear_pins(database, [ONE], "mira", NOW)
    async with database.write() as connection:
        await tell(connection, Kind.GROUP, "d", {"group": "x"}, NOW)
    assert await forget_tombstones(database, NOW + TOMBSTONE_LIFE) == 0
    assert await forget_tombstones(database, NOW + TOMBSTONE_LIFE + timedelta(seconds=1)) == 1
    assert [kind for kind, _ in await told(database)] == ["group"]


async def test_nothing_of_a_deleted_device_is_left(database):
    await begin_stream(database)
    await record(database, [verdict()], NOW, timedelta(days=90))
    other = replace(ONE, device="another")
    await clear_pins(database, [ONE, other], "mira", NOW)
    pins = [{"device": device, "host": "bank.example"} for device in (PHONE.id, "another")]
    await keep_status(database, "gw-1", {"gateway": "gw-1", "pinned": pins}, NOW)
    await keep_status(database, "gw-2", {"gateway": "gw-2"}, NOW)
    assert await delete_device(database, PHONE.id, "mira", NOW)
    async with database.read() as connection:
        assert await clearings(connection) == [other]
        kept = {row["name"]: row["status"] for row in await list_gateways(connection)}
    assert kept["gw-1"]["pinned"] == pins[1:]
    assert kept["gw-2"] == {"gateway": "gw-2"}
