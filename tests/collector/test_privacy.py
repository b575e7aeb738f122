"""What is kept of a person's traffic: nothing of what was allowed but counts, nothing of where when that is hidden."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from collector.store.tables import METADATA
from collector.web.parts import PARTS
from indicators.words import Category, Stage
from proxy.reporting.hiding import Hider
from tests.support.events import TIME, device_seen, verdict

HIDE = Hider(b"k" * 32)
SECRETS = ("evil.example", "192.0.2.7", "/login", "listed by", "a" * 64)


async def _everything(running) -> str:
    async with running.service._app[PARTS].database.read() as connection:
        return "\n".join([str((await connection.execute(select(table))).all()) for table in METADATA.tables.values()])


async def test_hidden_destinations_are_nowhere_while_device_severity_risk_and_count_stay(running):
    malware = {"category": Category.MALWARE, "stage": Stage.DOWNLOAD, "hashes": ("a" * 64,)}
    for number in range(3):
        seen = verdict(f"i{number}", time=TIME + timedelta(minutes=number), **malware)
        await running.deliver(HIDE.hide(seen))
    kept = await _everything(running)
    assert [secret for secret in SECRETS if secret in kept] == []
    _, body, _ = await running.ask("GET", "/api/alerts")
    (alert,) = body["value"]
    assert (alert["machineId"], alert["severity"], alert["count"], alert["hidden"]) == ("dev-phone", "Medium", 3, True)
    assert (await running.ask("GET", "/api/machines/dev-phone/risk"))[1]["riskLevel"] == "medium"


async def test_hidden_destinations_still_meet_a_later_indicator_of_any_parent(running):
    await running.deliver(HIDE.hide(verdict(host="login.shop.evil.example")))
    _, body, _ = await running.ask("GET", "/api/v1/incidents/inc-1")
    for name in ("login.shop.evil.example", "shop.evil.example", "evil.example"):
        assert HIDE.host(name).split(".")[0] in body["host"].split("."), name
    assert HIDE.host("example").split(".")[0] not in body["host"].split("."), "not beyond the registrable domain"


async def test_allowed_traffic_is_a_number(running):
    await running.deliver(device_seen("d", count=7))
    _, machine, _ = await running.ask("GET", "/api/machines/dev-phone")
    assert machine["allowedCount"] == 7
    async with running.service._app[PARTS].database.read() as connection:
        rows = (await connection.execute(select(METADATA.tables["activity"]))).mappings().all()
        assert [(row["device_id"], row["measure"], row["count"]) for row in rows] == [("", "allowed", 7)]
        assert (await connection.execute(select(METADATA.tables["events"]))).all() == []
