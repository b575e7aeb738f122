"""Devices over the API: filters, tags, groups, and deletion that leaves nothing behind."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from collector.store.policy_tables import POSTURES
from collector.store.retention import sweep
from collector.store.tables import METADATA
from collector.web.parts import PARTS
from indicators.observation import Device
from indicators.words import Category, Stage
from tests.collector.conftest import ADMIN, GATEWAY, NOW, READ
from tests.support.events import PHONE, TIME, device_seen, verdict

TABLET = Device("dev/tab let", "Tab", "children", address="192.0.2.5", listener="dns")


async def _fill(running):
    await running.deliver(
        verdict(category=Category.MALWARE, stage=Stage.DOWNLOAD),
        device_seen(
            "d", device=TABLET, time=TIME - timedelta(days=8), user_agent="x (iPad; CPU OS 18_1 like Mac OS X)"
        ),
    )
    await running.ask("POST", "/api/machines/dev-phone/tags", ADMIN, json={"Value": "VIP", "Action": "Add"})


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("riskScore eq 'Medium'", ["dev-phone"]),
        ("riskScore eq 'None'", ["dev/tab let"]),
        ("healthStatus eq 'Inactive'", ["dev/tab let"]),
        ("machineTags/any(tag: tag eq 'VIP')", ["dev-phone"]),
        ("osPlatform eq 'iOS' and version eq '18.1'", ["dev/tab let"]),
        ("rbacGroupName eq 'children'", ["dev/tab let"]),
        ("lastIpAddress eq '192.0.2.5'", ["dev/tab let"]),
        ("onboardingStatus eq 'onboarded' and deviceValue eq 'Normal'", ["dev-phone", "dev/tab let"]),
        ("lastSeen gt 2026-11-20T00:00:00Z", ["dev-phone"]),
        ("startswith(computerDnsName,'mira')", ["dev-phone"]),
        ("identifiedBy ne 'address'", []),
    ],
)
async def test_filters(running, condition, found):
    await _fill(running)
    _, body, _ = await running.ask("GET", f"/api/machines?$filter={condition}&$orderby=id&$count=true")
    assert [machine["id"] for machine in body["value"]] == found
    assert body["@odata.count"] == len(found)


async def test_tags_are_added_and_removed(running):
    await _fill(running)
    path = "/api/machines/dev-phone/tags"
    for _ in range(2):
        status, machine, _ = await running.ask("POST", path, ADMIN, json={"Value": "Lab", "Action": "Add"})
        assert (status, machine["machineTags"]) == (200, ["Lab", "VIP"])
    _, machine, _ = await running.ask("POST", path, ADMIN, json={"Value": "VIP", "Action": "Remove"})
    assert machine["machineTags"] == ["Lab"]
    for body in (
        {"Value": "", "Action": "Add"},
        {"Value": "x", "Action": "Set"},
        {"Value": "x" * 201, "Action": "Add"},
    ):
        assert (await running.ask("POST", path, ADMIN, json=body))[0] == 400
    assert (await running.ask("POST", "/api/machines/no/tags", ADMIN, json={"Value": "x", "Action": "Add"}))[0] == 404
    assert (await running.ask("POST", path, READ, json={"Value": "x", "Action": "Add"}))[0] == 403
    for number in range(99):
        await running.ask("POST", path, ADMIN, json={"Value": f"t{number}", "Action": "Add"})
    status, body, _ = await running.ask("POST", path, ADMIN, json={"Value": "more", "Action": "Add"})
    assert (status, "at most 100" in body["error"]["message"]) == (400, True)


async def test_a_group_given_here_outranks_the_gateways(running):
    await _fill(running)
    path = "/api/machines/dev-phone"
    _, machine, _ = await running.ask("PATCH", path, ADMIN, json={"rbacGroupName": "finance"})
    assert machine["rbacGroupName"] == "finance"
    _, body, _ = await running.ask("GET", "/api/alerts?$filter=rbacGroupName eq 'finance'")
    assert body["value"][0]["rbacGroupName"] == "finance"
    _, machine, _ = await running.ask("PATCH", path, ADMIN, json={"rbacGroupName": None})
    assert machine["rbacGroupName"] == "default"
    for body in ({}, {"rbacGroupName": 1}, {"rbacGroupName": " "}, {"name": "x"}):
        assert (await running.ask("PATCH", path, ADMIN, json=body))[0] == 400
    assert (await running.ask("PATCH", "/api/machines/no", ADMIN, json={"rbacGroupName": "x"}))[0] == 404


async def test_deleting_a_device_deletes_its_data(running):
    await _fill(running)
    asked = {"id": "ar-1", "gateway": "gw", "device": {"id": "dev-phone", "name": "Mira's phone"}, "host": "x.example"}
    await running.ask("POST", "/api/v1/access-requests", GATEWAY, json=asked)
    await running.ask("POST", "/api/v1/access-requests/ar-1/approve", ADMIN, json={})
    await running.ask("PATCH", "/api/machines/dev-phone", ADMIN, json={"rbacGroupName": "finance"})
    _, body, _ = await running.ask("GET", "/api/alerts")
    await running.ask("POST", f"/api/alerts/{body['value'][0]['id']}/comments", ADMIN, json={"comment": "Mira's"})
    assert (await running.ask("DELETE", "/api/machines/dev-phone", READ))[0] == 403
    assert (await running.ask("DELETE", "/api/machines/dev-phone", ADMIN))[0] == 204
    assert (await running.ask("DELETE", "/api/machines/dev-phone", ADMIN))[0] == 404
    kept = await _everything(running)
    assert "Mira's" not in kept
    assert "evil.example" not in kept
    assert kept.count("dev-phone") == await _places_that_say_it_is_gone(running)
    assert "Tab" in kept, "other devices stay"
    await running.deliver(device_seen("again", device=PHONE))
    assert (await running.ask("GET", "/api/machines/dev-phone"))[1]["riskScore"] == "None"


async def _everything(running) -> str:
    """Return every row of every table as text, but for the audit log, which says who did what."""
    async with running.service._app[PARTS].database.read() as connection:
        found = [
            str((await connection.execute(select(table))).all())
            for name, table in METADATA.tables.items()
            if name != "audit"
        ]
    return "\n".join(found)


async def _places_that_say_it_is_gone(running) -> int:
    """Count the stream's entries that tell gateways to forget the device: they name it and say nothing of it."""
    _, body, _ = await running.ask("GET", "/api/v1/policy?wait=0", GATEWAY)
    assert all(change["body"] is None for change in body["changes"])
    return sum(change["key"] == "dev-phone" for change in body["changes"])


async def test_what_is_noted_of_devices_goes_with_them_and_risks_with_their_alerts(running):
    await _fill(running)
    await running.ask("PATCH", "/api/machines/dev-phone", ADMIN, json={"rbacGroupName": "finance"})
    database = running.service._app[PARTS].database
    async with database.write() as connection:
        row = {"device_id": "dev-phone", "issuer": "i", "issued": NOW, "received": NOW, "compromised": False}
        await connection.execute(insert(POSTURES).values(**row, os_platform="", os_version="", patch_level=""))
    later, days = NOW + timedelta(days=10), timedelta(days=90)
    assert (await sweep(database, later, days, {"alerts": timedelta(days=5)})) == 1
    assert (await running.ask("GET", "/api/machines/dev-phone/risk"))[1]["riskLevel"] == "none"
    assert (await running.ask("GET", "/api/v1/incidents/inc-1"))[0] == 200, "events have a retention of their own"
    await sweep(database, later, days, {"devices": timedelta(days=5)})
    async with database.read() as connection:
        assert (await connection.execute(select(POSTURES))).all() == []
    _, body, _ = await running.ask("GET", "/api/v1/policy?wait=0", GATEWAY)
    assert {change["kind"]: change["body"] for change in body["changes"]} == {"risk": None, "group": None}
