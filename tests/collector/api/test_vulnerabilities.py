"""Vulnerabilities over the API: of a device, of all, and as a table."""

from __future__ import annotations

from dataclasses import replace

from tests.collector.conftest import GATEWAY
from tests.support.events import PHONE, device_seen

STORE = "itunesstored/1.0 iOS/{} model/iPhone14,2"


def seen(name: str, version: str) -> object:
    return device_seen(name, device=replace(PHONE, id=name, name=name), user_agent=STORE.format(version))


async def test_a_device_tells_what_it_misses_and_how_that_is_known(running):
    await running.deliver(seen("phone", "18.6"))
    status, body, _ = await running.ask("GET", "/api/machines/phone/vulnerabilities")
    assert status == 200
    assert (body["osPlatform"], body["version"], body["state"]) == ("iOS", "18.6", "outdated")
    assert (body["source"], body["confidence"]) == ("system agent", "high")
    assert body["exposureLevel"] == "high"
    assert body["latest"] == "18.7.10"
    assert body["value"][0]["exploited"]
    assert {"CVE-2025-43300"} <= {flaw["id"] for flaw in body["value"]}
    assert body["missing"] == len(body["value"])
    assert [claim["version"] for claim in body["claims"]] == ["18.6"]
    assert body["data"]["old"] is True, "the shipped data is of August, the clock says November"
    assert {source["licence"] for source in body["data"]["sources"]} == {"Apache-2.0", "MIT", "CC0-1.0"}


async def test_a_device_that_says_nothing_is_unknown_and_an_unknown_device_is_none(running):
    await running.deliver(device_seen("d", device=replace(PHONE, id="silent", name="silent")))
    _, body, _ = await running.ask("GET", "/api/machines/silent/vulnerabilities")
    assert (body["state"], body["exposureLevel"], body["value"]) == ("unknown", "unknown", [])
    assert (await running.ask("GET", "/api/machines/nobody/vulnerabilities"))[0] == 404


async def test_the_fleet_is_told_by_flaw_and_by_device(running):
    await running.deliver(seen("old", "18.6"), seen("older", "18.5"), seen("new", "26.6.1"))
    _, flaws, _ = await running.ask("GET", "/api/vulnerabilities?$top=5")
    assert len(flaws["value"]) == 5
    assert flaws["count"] > 100
    assert flaws["value"][0]["exploited"]
    assert flaws["value"][0]["exposedMachines"] == 2
    _, fleet, _ = await running.ask("GET", "/api/v1/exposure")
    assert [one["id"] for one in fleet["value"]] == ["older", "old", "new"]
    assert fleet["topReleases"][0]["devices"] == 1
    assert 0 < fleet["score"] < 100


async def test_the_table_is_safe_in_a_spreadsheet(running):
    name = '=HYPERLINK("http://x")'
    await running.deliver(device_seen("d", device=replace(PHONE, id="d", name=name), user_agent=STORE.format("18.6")))
    status, text, headers = await running.ask("GET", "/api/v1/exposure?format=csv")
    assert status == 200
    assert headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in headers["Content-Disposition"]
    head, row = text.splitlines()
    assert head.startswith('"device","id","platform"')
    assert row.startswith("\"'=HYPERLINK")


async def test_a_gateway_may_not_read_it(running):
    for path in ("/api/vulnerabilities", "/api/v1/exposure", "/api/machines/x/vulnerabilities"):
        assert (await running.ask("GET", path, GATEWAY))[0] == 403
        assert (await running.ask("GET", path, ""))[0] == 401
