"""The time machine and the dry run: both databases, names and paths and addresses and hashes, hidden events by key."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from collector.history.dry_run import dry_run
from collector.history.look_back import look_back
from collector.history.reading import destinations, events
from collector.indicator_form import read_submission
from collector.service import CollectorService
from collector.store.alerts import list_alerts
from collector.store.indicators import By, submit
from collector.store.ingest import record
from collector.store.people_tables import LOOK_BACKS
from collector.store.tables import ALERTS
from indicators.event import EventKind
from indicators.indicator import Indicator, Origin
from indicators.keyed_hash import keyed_hash
from indicators.observation import Device
from indicators.overlay import Overlay, to_json
from indicators.rules import parse_indicator
from indicators.words import Action, Enforcement, IdentifiedBy, Severity
from proxy.reporting.hiding import Hider
from tests.collector.conftest import ADMIN, NOW, READ, Running
from tests.support.events import TIME, device_seen, verdict

KEY = b"k" * 32
RETENTION = timedelta(days=90)


def device(name: str) -> Device:
    return Device(name, name, "default", IdentifiedBy.ADDRESS)


def passed(event_id: str, host: str, on: str = "dev-a", **changes):
    """An event that was only recorded: nothing stopped the connection."""
    changes = {"url": "", "addresses": (), "matches": ()} | changes
    return verdict(
        event_id,
        device=device(on),
        host=host,
        action=Action.AUDIT,
        enforcement=Enforcement.PASSED,
        alert=False,
        **changes,
    )


def hidden(event_id: str, *names: str, on: str = "dev-a"):
    digests = ".".join(keyed_hash(KEY, name) for name in names)
    return passed(event_id, digests, on, hidden=True)


async def keep(database, *events_) -> None:
    await record(database, events_, NOW, RETENTION)


async def add(database, value: str, kind: str = "DomainName", action: str = "Block", **more) -> None:
    body = {"indicatorValue": value, "indicatorType": kind, "action": action, "title": "t", "description": "d", **more}
    await submit(database, read_submission(body | {"generateAlert": True}, NOW), By("mira"), NOW)


async def raised(database):
    async with database.read() as connection:
        return await list_alerts(connection, [ALERTS.c.title.startswith("Met before")], [ALERTS.c.device_id])


async def test_a_new_indicator_finds_who_met_it_before(database):
    await keep(
        database,
        passed("e1", "sub.evil.example", "dev-a", count=3),
        verdict("e2", device=device("dev-b"), host="evil.example"),
        passed("e3", "notevil.example", "dev-c"),
    )
    await add(database, "evil.example", severity="High")
    assert await look_back(database, b"", NOW) == 2
    alerts = await raised(database)
    assert [(a["device_id"], a["count"], a["severity"]) for a in alerts] == [
        ("dev-a", 3, Severity.HIGH),
        ("dev-b", 1, Severity.INFORMATIONAL),
    ]
    assert "e1" in alerts[0]["description"]
    assert alerts[0]["first_event"] == TIME
    assert await look_back(database, b"", NOW) == 0
    async with database.read() as connection:
        row = (await connection.execute(select(LOOK_BACKS))).mappings().one()
    assert (row["events"], row["devices"]) == (4, 2)


@pytest.mark.parametrize(
    ("value", "kind", "met"),
    [
        ("https://files.example/bad/", "Url", ["dev-url"]),
        ("8.8.4.4", "IpAddress", ["dev-ip"]),
        ("a" * 64, "FileSha256", ["dev-hash"]),
        ("other.example", "DomainName", []),
    ],
)
async def test_every_kind_is_met(database, value, kind, met):
    await keep(
        database,
        passed("u", "files.example", "dev-url", url="https://files.example/bad/x.apk"),
        passed("v", "files.example", "dev-good", url="https://files.example/good"),
        passed("i", "cdn.example", "dev-ip", addresses=("8.8.4.4",)),
        passed("h", "dl.example", "dev-hash", hashes=("a" * 64,)),
    )
    await add(database, value, kind)
    assert await look_back(database, b"", NOW) == len(met)
    assert [alert["device_id"] for alert in await raised(database)] == met


async def test_hidden_destinations_are_met_by_their_keys_alone(database):
    await keep(
        database, hidden("x", "deep.sub.evil.example", "sub.evil.example", "evil.example"), hidden("y", "fine.example")
    )
    await add(database, "sub.evil.example")
    assert await look_back(database, b"other key" * 4, NOW) == 0
    async with database.write() as connection:
        await connection.execute(LOOK_BACKS.delete())
    assert await look_back(database, KEY, NOW) == 1


async def test_what_is_hidden_stays_hidden_in_a_retroactive_alert(database):
    await keep(database, hidden("x", "deep.sub.evil.example", "sub.evil.example", "evil.example"))
    more = {"severity": "High", "title": "Not evil.example again", "recommendedActions": "Block evil.example"}
    await add(database, "evil.example", **more)
    assert await look_back(database, KEY, NOW) == 1
    (alert,) = await raised(database)
    assert "evil" not in str(dict(alert))
    assert (alert["title"], alert["hidden"]) == ("Met before it was known: a hidden destination", True)
    assert keyed_hash(KEY, "evil.example") in alert["destination"].split("."), (
        "so that it groups with others of its site"
    )
    assert (alert["device_id"], alert["severity"], alert["count"]) == ("dev-a", Severity.HIGH, 1)
    assert "The newest incident is x." in alert["description"]


def let_through(event_id: str, host: str, on: str = "dev-a", count: int = 1, **changes):
    """What a gateway tells of an allowed host where the policy keeps hashed sightings."""
    hashes = Hider(KEY).host(host)
    return device_seen(event_id, count, kind=EventKind.SIGHTING, device=device(on), host=hashes, hidden=True, **changes)


async def test_hashed_sightings_of_allowed_hosts_raise_a_retroactive_alert(database):
    yesterday = TIME - timedelta(days=1)
    await keep(
        database,
        let_through("s1", "www.evil.example", "dev-a", 3),
        let_through("s2", "evil.example", "dev-a", 2, time=yesterday),
        let_through("s1b", "evil.example", "dev-a", 0),
        let_through("s3", "notevil.example", "dev-b"),
        let_through("s4", "evil.example", "dev-c"),
        passed("e1", "evil.example", "dev-c"),
        device_seen("s5", kind=EventKind.SIGHTING, device=device("dev-d"), host="evil.example", hidden=True),
    )
    await keep(database, let_through("s1", "www.evil.example", "dev-a", 3))  # delivered twice
    await add(database, "evil.example", severity="High")
    assert await look_back(database, KEY, NOW) == 2
    alone, both = await raised(database)
    assert (alone["device_id"], alone["count"], alone["severity"]) == ("dev-a", 5, Severity.HIGH)
    assert (alone["first_event"], alone["last_event"]) == (yesterday, TIME)
    assert "It is known from hashed sightings of allowed hosts" in alone["description"]
    assert (both["device_id"], both["count"]) == ("dev-c", 2)
    assert "1 of these times known from hashed sightings" in both["description"]
    assert "The newest incident is e1." in both["description"]


async def test_another_key_reads_nothing_out_of_hashed_sightings(database):
    await keep(database, let_through("s1", "evil.example"))
    await add(database, "evil.example")
    assert await look_back(database, b"other key" * 4, NOW) == 0


async def test_a_narrower_indicator_meets_narrower_hashes_and_its_groups_alone(database):
    await keep(database, let_through("s1", "www.evil.example", "dev-a"), let_through("s2", "evil.example", "dev-b"))
    await add(database, "www.evil.example")
    await add(database, "evil.example", rbacGroupNames=["elsewhere"])
    await look_back(database, KEY, NOW)
    assert [alert["device_id"] for alert in await raised(database)] == ["dev-a"]


async def test_a_dry_run_counts_hashed_sightings_once(database):
    await keep(database, let_through("s1", "www.evil.example", "dev-a", 3), let_through("s2", "192.0.2.9", "dev-b"))
    edit = indicators({"block": ["evil.example", "www.evil.example", "192.0.2.9"]}, {"allow": "good.example"})
    found = await dry_run(database, edit, KEY, NOW)
    assert (found["blocked"]["times"], found["blocked"]["hashed"], found["blocked"]["devices"]) == (4, 4, 2)
    assert found["allowed"]["times"] == 0
    other_group = indicators({"block": "evil.example", "device_groups": ["elsewhere"]})
    assert (await dry_run(database, other_group, KEY, NOW))["blocked"]["times"] == 0


async def test_what_allows_looks_for_nobody(database):
    await keep(database, passed("e", "evil.example"))
    await add(database, "evil.example", action="Allowed")
    assert await look_back(database, b"", NOW) == 0
    async with database.read() as connection:
        assert (await connection.execute(select(LOOK_BACKS))).first() is None


def indicators(*entries: dict[str, object]) -> tuple[Indicator, ...]:
    return tuple(one for entry in entries for one in parse_indicator(entry, Origin("custom", custom=True)))


async def test_a_dry_run_tells_both_ways(database):
    await keep(
        database,
        passed("p", "evil.example", "dev-a", count=4),
        verdict("b", device=device("dev-b"), host="shop.example", url="", count=2),
        verdict("s", device=device("dev-b"), host="still.example", url=""),
        passed("n", "nothing.example"),
        hidden("h", "evil.example", on="dev-h"),
    )
    edit = indicators(
        {"block": ["evil.example", "still.example"]}, {"allow": "shop.example"}, {"audit": "nothing.example"}
    )
    found = await dry_run(database, edit, KEY, NOW)
    assert (found["blocked"]["times"], found["blocked"]["devices"]) == (5, 2)
    assert {one["name"]: one["times"] for one in found["blocked"]["destinations"]} == {"evil.example": 4, "(hidden)": 1}
    assert (found["allowed"]["times"], found["allowed"]["devices"]) == (2, 1)
    assert found["unchanged"]["times"] == 2
    assert found["events"] == 5
    nothing = await dry_run(database, indicators({"block": "192.0.2.200"}), b"", NOW)
    assert (nothing["events"], nothing["blocked"]["times"]) == (5, 0)


async def test_pages_leave_nothing_out(database, monkeypatch):
    monkeypatch.setattr("collector.history.reading._PAGE", 7)
    await keep(database, *(passed(f"e{i:03}", f"h{i % 20}.example") for i in range(50)))
    everything = [row["id"] async for page in events(database) for row in page]
    assert everything == [f"e{i:03}" for i in range(50)]
    wanted = await destinations(database, lambda name: name in ("h3.example", "h5.example"))
    assert sorted(wanted) == ["h3.example", "h5.example"]
    some = [row["destination"] async for page in events(database, wanted) for row in page]
    assert sorted(set(some)) == sorted(wanted)
    assert len(some) == 6


async def test_the_running_collector_looks_back_by_itself(collector_settings, clock):
    import aiohttp

    settings = replace(collector_settings, privacy_key=KEY)
    async with CollectorService(settings, clock) as service, aiohttp.ClientSession() as http:
        running = Running(service, http, clock)
        await running.deliver(passed("e", "evil.example"))
        body = {"indicatorValue": "evil.example", "indicatorType": "DomainName", "action": "Block", "title": "Late"}
        status, _, _ = await running.ask(
            "POST", "/api/indicators", ADMIN, json=body | {"description": "d", "generateAlert": True}
        )
        assert status == 200
        async with asyncio.timeout(20):
            while not (found := (await running.ask("GET", "/api/alerts"))[1]["value"]):
                await asyncio.sleep(0.05)
        assert found[0]["title"] == "Met before it was known: Late"
        edit = to_json(Overlay(0, indicators({"block": "evil.example"})))
        status, told, _ = await running.ask("POST", "/api/v1/history/test", READ, data=edit)
        assert (status, told["blocked"]["times"]) == (200, 1)
        for wrong in ("{", to_json(Overlay(0)), "[]"):
            assert (await running.ask("POST", "/api/v1/history/test", READ, data=wrong))[0] == 400
