"""Events are kept exactly once; the state does not depend on order, repetition or batches."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from collector.store import tables
from collector.store.database import Database
from collector.store.ingest import Recorded, record
from indicators.event import Evidence, VerdictEvent
from indicators.observation import Device
from indicators.words import Action, Category, IdentifiedBy, Severity
from tests.support.events import PHONE, TIME, device_seen, repeat, verdict

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DAYS_90 = timedelta(days=90)


async def keep(database: Database, *events: VerdictEvent, now: datetime = NOW) -> Recorded:
    return await record(database, events, now, DAYS_90)


async def rows(database: Database, name: str) -> list[dict[str, Any]]:
    async with database.read() as connection:
        found = await connection.execute(select(tables.METADATA.tables[name]))
        return [dict(row) for row in found.mappings()]


async def test_keeps_event_alert_device_and_activity(database):
    kept = await keep(database, verdict(), device_seen("d1", 40))
    assert (kept.accepted, kept.duplicates) == (2, 0)
    (alert,) = await rows(database, "alerts")
    assert kept.raised == (alert["id"],)
    assert (alert["status"], alert["count"], alert["severity"]) == ("New", 1, Severity.INFORMATIONAL)
    assert (alert["first_event"], alert["day"], alert["created"]) == (TIME, "2026-11-23", NOW)
    (device,) = await rows(database, "devices")
    assert (device["name"], device["os_platform"], device["os_version"]) == ("Mira's phone", "Android", "15")
    assert (device["allowed_count"], device["first_seen"]) == (40, TIME)
    assert {(t["kind"], t["value"]) for t in await rows(database, "device_traits")} == {
        ("address", "127.0.0.1"),
        ("listener", "http"),
    }
    assert {(a["device_id"], a["measure"], a["count"]) for a in await rows(database, "activity")} == {
        ("dev-phone", "blocked", 1),
        ("", "blocked", 1),
        ("", "allowed", 40),
    }
    (event,) = await rows(database, "events")
    assert event["body"]["url"] == "https://evil.example/login"


async def test_a_second_delivery_changes_nothing(database):
    batch = [verdict(), repeat("r1", count=5), device_seen("d1", 3)]
    await keep(database, *batch)
    before = {name: await rows(database, name) for name in tables.METADATA.tables}
    again = await keep(database, *batch, *batch, now=NOW + timedelta(minutes=1))
    assert (again.accepted, again.duplicates, again.raised) == (0, 6, ())
    assert {name: await rows(database, name) for name in tables.METADATA.tables} == before


async def test_repeats_raise_the_count_of_their_incident_and_its_alert(database):
    await keep(database, verdict())
    await keep(database, repeat("r1", count=4), repeat("r2", count=2, time=TIME + timedelta(minutes=9)))
    (alert,) = await rows(database, "alerts")
    (event,) = await rows(database, "events")
    assert alert["count"] == event["count"] == 7
    assert alert["last_event"] == event["last_time"] == TIME + timedelta(minutes=9)


async def test_a_repeat_waits_for_its_incident(database):
    await keep(database, repeat("r1", count=4))
    assert await rows(database, "alerts") == []
    await keep(database, verdict())
    (alert,) = await rows(database, "alerts")
    assert alert["count"] == 5
    assert await rows(database, "orphans") == []


async def test_one_alert_for_each_device_destination_and_utc_day(database):
    other = Device("dev-2", "tablet")
    await keep(
        database,
        verdict("a"),
        verdict("b"),
        verdict("c", host="other.example"),
        verdict("d", device=other),
        verdict("e", time=TIME - timedelta(days=1)),
        verdict("f", alert=False, host="quiet.example"),
    )
    found = {(a["device_id"], a["destination"], a["day"]): a["count"] for a in await rows(database, "alerts")}
    assert found == {
        ("dev-phone", "evil.example", "2026-11-23"): 2,
        ("dev-phone", "evil.example", "2026-11-22"): 1,
        ("dev-phone", "other.example", "2026-11-23"): 1,
        ("dev-2", "evil.example", "2026-11-23"): 1,
    }
    assert len(await rows(database, "events")) == 6


async def test_more_rows_than_one_statement_holds(database):
    events = [verdict(f"v{i}", host=f"h{i}.example") for i in range(1201)]
    kept = await keep(database, *events, *(repeat(f"r{i}", f"v{i}") for i in range(1201)))
    assert (kept.accepted, len(kept.raised)) == (2402, 1201)
    assert {alert["count"] for alert in await rows(database, "alerts")} == {2}


DIGEST = "0123456789abcdef"


async def test_hidden_destinations_leave_nothing_but_keyed_hashes(database):
    plain = Evidence("evil.example", "domain", Action.BLOCK, "feed", Category.PHISHING, "evil.example", "evil!", 3)
    hidden = verdict(
        host=f"{DIGEST}.{DIGEST}",
        hidden=True,
        description="evil.example is bad",
        reason="evil.example listed",
        addresses=(DIGEST, "192.0.2.7"),
        matches=(plain, replace(plain, indicator=DIGEST, observable=DIGEST)),
    )
    await keep(database, hidden)
    (event,), (alert,) = await rows(database, "events"), await rows(database, "alerts")
    assert "evil" not in str(event) + str(alert)
    assert "192.0.2.7" not in str(event)
    assert [match.get("indicator", "") for match in event["body"]["matches"]] == ["", DIGEST]
    assert (alert["destination"], alert["hidden"]) == (f"{DIGEST}.{DIGEST}", True)
    assert "hidden destination" in alert["description"]


def _events() -> st.SearchStrategy[list[VerdictEvent]]:
    incident = st.sampled_from("abc")
    minutes = st.integers(0, 3 * 24 * 60).map(lambda minute: TIME - timedelta(minutes=minute))
    device = st.sampled_from(
        [PHONE, Device("dev-2", "tablet", "lab", IdentifiedBy.WIREGUARD, "10.1.1.2", "dns"), replace(PHONE, name="x")]
    )
    agents = st.sampled_from(["", "curl/8", "Android 14", "iPhone OS 18_1 like Mac OS X"])

    @st.composite
    def one(draw: st.DrawFn) -> VerdictEvent:
        shared = {"time": draw(minutes), "device": draw(device), "user_agent": draw(agents)}
        match draw(st.sampled_from(["verdict", "repeat", "device"])):
            case "verdict":
                words = {"title": draw(st.sampled_from(["", "one", "two"])), "alert": draw(st.booleans())}
                host = draw(st.sampled_from(["x.example", "y.example"]))
                return verdict(draw(incident), host=host, severity=draw(st.sampled_from(Severity)), **words, **shared)
            case "repeat":
                return repeat("", draw(incident), draw(st.integers(1, 9)), **shared)
            case _:
                return device_seen("", draw(st.integers(0, 9)), **shared)

    def number(events: list[VerdictEvent]) -> list[VerdictEvent]:
        """Give repeats and device events ids of their own; of one verdict id keep the first."""
        named = [event if event.id else replace(event, id=f"n{i}") for i, event in enumerate(events)]
        return list({event.id: event for event in reversed(named)}.values())

    return st.lists(one(), max_size=12).map(number)


_DERIVED = ("alert_totals", "open_alerts", "devices", "device_traits", "activity", "orphans", "receipts")


async def _state(folder: Path, batches: list[list[VerdictEvent]]) -> dict[str, list[str]]:
    database = Database(f"sqlite:///{folder}/{random.getrandbits(60)}.sqlite")
    await database.open()
    for batch in batches:
        await keep(database, *batch)
    found = {}
    for name in ("events", "alerts", *_DERIVED):
        clean = [{k: v for k, v in row.items() if k != "seq"} for row in await rows(database, name)]
        found[name] = sorted(map(str, clean))
    await database.close()
    return found


@settings(max_examples=25, deadline=None)
@given(events=_events(), seed=st.integers(0, 2**32), cuts=st.lists(st.integers(0, 20), max_size=3))
def test_order_repetition_and_batches_do_not_matter(events, seed, cuts):
    """Any shuffle, with any repetition, cut into any batches, leaves the same rows."""
    shuffled = events + random.Random(seed).choices(events, k=4) if events else []
    random.Random(seed).shuffle(shuffled)
    edges = [0, *sorted(min(cut, len(shuffled)) for cut in cuts), len(shuffled)]
    batches = [shuffled[a:b] for a, b in pairwise(edges)]
    with TemporaryDirectory() as folder:
        assert asyncio.run(_state(Path(folder), batches)) == asyncio.run(_state(Path(folder), [events]))
