"""Exposure feeds the risk where policy says so: by an alert for a release, which follows what the device runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from collector.exposure_watch import look
from collector.store.alerts import list_alerts
from collector.store.risk import explained
from collector.store.tables import ALERTS
from collector.triage import RESOLVED
from collector.web.parts import PARTS
from indicators.words import Risk
from tests.collector.conftest import ADMIN
from tests.support.events import PHONE, TIME, device_seen

STORE = "itunesstored/1.0 iOS/{} model/iPhone14,2"


@pytest.fixture
def parts(running):
    """A running collector whose policy lets exposure feed the risk."""
    made = running.service._app[PARTS]
    return replace(made, settings=replace(made.settings, exposure_raises_risk=True))


async def risk_and_alerts(parts):
    async with parts.database.read() as connection:
        alerts = await list_alerts(connection, [ALERTS.c.threat_category == "exposure"])
        return (await explained(connection, PHONE.id)).level, [(a["title"], a["status"]) for a in alerts]


OLD = "Runs iOS 18.6, which has known vulnerabilities"


async def test_the_risk_follows_what_the_device_runs(running, parts):
    await running.deliver(device_seen("d1", user_agent=STORE.format("18.6")))
    await look(parts)
    await look(parts)
    assert await risk_and_alerts(parts) == (Risk.MEDIUM, [(OLD, "New")])
    later = device_seen("d2", user_agent=STORE.format("18.7.10"), time=TIME + timedelta(minutes=5))
    await running.deliver(later)
    await look(parts)
    assert await risk_and_alerts(parts) == (Risk.NONE, [(OLD, RESOLVED)])


async def test_what_a_person_resolves_stays_resolved_for_that_release(running, parts):
    await running.deliver(device_seen("d1", user_agent=STORE.format("18.6")))
    await look(parts)
    (alert,) = (await running.ask("GET", "/api/alerts"))[1]["value"]
    assert "system agent, high confidence" in alert["description"]
    await running.ask("PATCH", f"/api/alerts/{alert['id']}", ADMIN, json={"status": "Resolved"})
    await look(parts)
    assert await risk_and_alerts(parts) == (Risk.NONE, [(OLD, RESOLVED)])


async def test_without_the_policy_there_is_no_alert_and_an_older_one_ends(running, parts):
    await running.deliver(device_seen("d1", user_agent=STORE.format("18.6")))
    off = replace(parts, settings=replace(parts.settings, exposure_raises_risk=False))
    await look(off)
    assert await risk_and_alerts(off) == (Risk.NONE, [])
    await look(parts)
    await look(off)
    assert await risk_and_alerts(off) == (Risk.NONE, [(OLD, RESOLVED)])
