"""What clients said is kept once, whatever the order it arrives in, and never grows without end."""

from __future__ import annotations

from datetime import timedelta

from collector.arrival import Arrival
from collector.store.claims import MOST, claims_of, keep_claims, patch_levels
from collector.store.database import Database
from collector.store.policy_tables import POSTURES
from collector.vulnerabilities.choosing import chosen
from tests.collector.store.test_ingest import NOW, keep, rows
from tests.support.events import PHONE, TIME, device_seen

STORE = "itunesstored/1.0 iOS/{} model/iPhone14,2"
ID = PHONE.id


async def told(database: Database, *agents: tuple[str, int]) -> None:
    async with database.write() as connection:
        seen = [(device_seen("d", user_agent=agent), TIME + timedelta(hours=hour)) for agent, hour in agents]
        await keep_claims(database, connection, [Arrival(*one) for one in seen])


async def test_an_event_brings_its_claim(database):
    await keep(database, device_seen("d1", user_agent=STORE.format("18.6")))
    (row,) = await rows(database, "claims")
    assert (row["device_id"], row["platform"], row["version"], row["model"]) == (ID, "iOS", "18.6", "iPhone14,2")
    assert row["first_seen"] == row["last_seen"] == TIME


async def test_order_and_batches_do_not_matter(database):
    await keep(database, device_seen("d1"))
    first, later = (STORE.format("18.6"), 0), (STORE.format("18.6").replace("14,2", "15,1"), 5)
    await told(database, later)
    await told(database, first, (STORE.format("18.7"), 2), ("curl/8", 3), ("", 4))
    kept = {row["version"]: row for row in await rows(database, "claims")}
    assert set(kept) == {"18.6", "18.7"}
    assert (kept["18.6"]["first_seen"], kept["18.6"]["last_seen"]) == (TIME, TIME + timedelta(hours=5))
    assert kept["18.6"]["model"] == "iPhone15,1"


async def test_a_client_that_varies_pushes_its_own_oldest_out(database):
    await keep(database, device_seen("d1"))
    await told(database, *((STORE.format(f"18.{n}"), n) for n in range(MOST + 5)))
    kept = {row["version"] for row in await rows(database, "claims")}
    assert len(kept) == MOST
    assert "18.4" not in kept
    assert f"18.{MOST + 4}" in kept


async def test_a_posture_report_stands_against_what_clients_say(database):
    await keep(database, device_seen("d1", user_agent=STORE.format("18.6")))
    report = {"device_id": ID, "issuer": "mdm", "issued": TIME, "received": NOW, "compromised": False}
    report |= {"os_platform": "Android", "os_version": "15", "patch_level": "2026-08-05"}
    async with database.write() as connection:
        await connection.execute(POSTURES.insert().values(**report))
    async with database.read() as connection:
        claims = await claims_of(connection, [ID, "nobody"])
        levels = await patch_levels(connection, [ID])
    assert set(claims) == {ID}
    stands = chosen(claims[ID])
    assert stands is not None
    assert (stands.claim.platform, stands.claim.version) == ("Android", "15")
    assert levels[ID].isoformat() == "2026-08-05"


async def test_a_patch_level_that_is_no_day_is_left_out(database):
    await keep(database, device_seen("d1"))
    report = {"device_id": ID, "issuer": "mdm", "issued": TIME, "received": NOW, "compromised": False}
    async with database.write() as connection:
        await connection.execute(
            POSTURES.insert().values(**report, os_platform="iOS", os_version="18", patch_level="latest")
        )
    async with database.read() as connection:
        assert await patch_levels(connection, [ID]) == {}
