"""Alerts, machines and incidents as programs read them, and what a gateway tells of itself."""

from __future__ import annotations

from datetime import timedelta

import pytest

from indicators.event import Evidence
from indicators.words import Action, Category, Enforcement, Severity, Stage
from tests.collector.conftest import GATEWAY
from tests.support.events import TIME, device_seen, repeat, verdict

DEFENDER_ALERT = set(
    "id title description category severity status classification determination assignedTo alertCreationTime "
    "firstEventTime lastEventTime resolvedTime machineId computerDnsName detectionSource threatName evidence comments "
    "investigationState lastUpdateTime".split()
)
DEFENDER_MACHINE = set(
    "id computerDnsName firstSeen lastSeen osPlatform healthStatus riskScore lastIpAddress ipAddresses version "
    "onboardingStatus exposureLevel deviceValue machineTags rbacGroupName".split()
)


async def test_an_alert_reads_as_defender_writes_it(running):
    await running.deliver(verdict(), repeat("r", count=3, time=TIME + timedelta(minutes=5)))
    _, body, _ = await running.ask("GET", "/api/alerts")
    (alert,) = body["value"]
    assert alert.keys() >= DEFENDER_ALERT
    assert (alert["title"], alert["severity"], alert["status"]) == ("Phishing site blocked", "Informational", "New")
    assert (alert["count"], alert["incidentIds"]) == (4, ["inc-1"])
    assert (alert["firstEventTime"], alert["lastEventTime"]) == ("2026-11-23T11:30:00.000Z", "2026-11-23T11:35:00.000Z")
    assert (alert["computerDnsName"], alert["machineId"]) == ("Mira's phone", "dev-phone")
    (item,) = alert["evidence"]
    assert (item["entityType"], item["url"], item["ipAddress"]) == ("Url", "https://evil.example/login", "192.0.2.7")
    assert (item["incidentId"], item["count"], item["detectionStatus"]) == ("inc-1", 4, "Prevented")
    assert (await running.ask("GET", f"/api/alerts/{alert['id']}"))[1] == alert
    assert (await running.ask("GET", "/api/alerts/none"))[0] == 404


async def test_a_custom_indicator_speaks_for_itself(running):
    listed = Evidence("evil.example", "domain", Action.BLOCK, "custom", Category.CUSTOM, "evil.example")
    own = {"title": "Ours", "description": "Why", "recommended_actions": "Call us", "severity": Severity.HIGH}
    own |= {"matches": (listed,)}
    await running.deliver(verdict(**own))
    _, body, _ = await running.ask("GET", "/api/alerts")
    alert = body["value"][0]
    assert (alert["title"], alert["description"], alert["recommendedActions"]) == ("Ours", "Why", "Call us")
    assert alert["severity"] == "High"


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"hashes": ("a" * 64, "b" * 40)}, "File"),
        ({"host": "", "url": ""}, "Ip"),
        ({"url": ""}, "Url"),
    ],
)
async def test_evidence_names_its_kind(running, changes, kind):
    await running.deliver(verdict(**changes))
    _, body, _ = await running.ask("GET", "/api/alerts")
    (item,) = body["value"][0]["evidence"]
    assert item["entityType"] == kind
    assert (item["sha256"], item["sha1"]) == (("a" * 64, "b" * 40) if kind == "File" else (None, None))


async def test_a_machine_reads_as_defender_writes_it(running):
    download = {"category": Category.MALWARE, "stage": Stage.DOWNLOAD}
    await running.deliver(verdict(**download), device_seen("d", 12, time=TIME + timedelta(minutes=20)))
    _, body, _ = await running.ask("GET", "/api/machines")
    (machine,) = body["value"]
    assert machine.keys() >= DEFENDER_MACHINE
    assert (machine["riskScore"], machine["healthStatus"], machine["openAlerts"]) == ("Medium", "Active", 1)
    assert (machine["osPlatform"], machine["osPlatformSource"]) == ("Android", "guessed from user agent")
    assert (machine["lastIpAddress"], machine["listeners"], machine["identifiedBy"]) == (
        "127.0.0.1",
        ["http"],
        "address",
    )
    assert (machine["firstSeen"], machine["lastSeen"]) == ("2026-11-23T11:30:00.000Z", "2026-11-23T11:50:00.000Z")
    running.clock.advance(days=7)
    assert (await running.ask("GET", "/api/machines/dev-phone"))[1]["healthStatus"] == "Inactive"
    assert (await running.ask("GET", "/api/machines/none"))[0] == 404


async def test_an_incident_is_found_by_the_id_that_was_shown(running):
    await running.deliver(verdict("a/b c", alert=False, action=Action.AUDIT, enforcement=Enforcement.PASSED))
    status, body, _ = await running.ask("GET", "/api/v1/incidents/a%2Fb%20c")
    assert (status, body["host"], body["alertId"], body["machineId"]) == (200, "evil.example", None, "dev-phone")
    assert (await running.ask("GET", "/api/v1/incidents/none"))[0] == 404


STATUS = {
    "gateway": "gw-1",
    "compiling": True,
    "feeds": [{"name": "a"}, {"name": "b", "state": "stale", "updated": "2026-11-20T00:00:00Z", "secret": "x"}],
    "errors": ["config.yaml:3: no"],
    "unknown": 1,
}


async def test_health_tells_counts_and_no_names(running):
    _, body, _ = await running.ask("GET", "/healthz", "")
    assert (body["status"], body["gateways"]) == ("ok", 0)
    assert (await running.ask("POST", "/api/v1/gateways/status", GATEWAY, json=STATUS))[0] == 204
    status, body, _ = await running.ask("GET", "/healthz", "")
    assert (status, body["status"], body["compiling"]) == (200, "degraded", True)
    assert (body["feeds"], body["errors"]) == ({"total": 2, "unwell": 1}, 1)
    assert "gw-1" not in str(body)
    running.clock.advance(minutes=4)
    assert (await running.ask("GET", "/healthz", ""))[1]["gateways"] == 0


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ({}, "gateway: "),
        ({"gateway": "g", "feeds": [{"name": "a", "state": "odd"}]}, "feeds.0.state: "),
        ({"gateway": "g", "waiting_for_ca": -1}, "waiting_for_ca: "),
        ({"gateway": "g", "paused_until": "2026-11-23T12:00:00"}, "paused_until: "),
        ({"gateway": "g", "feeds": [{"name": "a", "updated": "2026-11-23T12:00:00"}]}, "feeds.0.updated: "),
        ([], "body: "),
    ],
)
async def test_a_wrong_status_names_its_field(running, status, words):
    got, body, _ = await running.ask("POST", "/api/v1/gateways/status", GATEWAY, json=status)
    assert got == 400
    assert words in body["error"]["message"]


async def test_refused_events_show_on_their_gateway(running):
    await running.ask("POST", "/api/v1/events", GATEWAY, json={"events": [{"id": "x", "gateway": "gw-9"}]})
    _, page, _ = await running.ask("GET", "/")
    assert "gw-9" in page
    assert "incident: expected a non-empty string" in page
