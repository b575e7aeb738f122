"""Signed posture reports: believed from configured issuers only; a jailbreak is a High alert until a clean report."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from collector.settings import CollectorSettings, PostureIssuer
from tests.collector.conftest import ADMIN, NOW, READ
from tests.support.events import device_seen

ISSUER = "https://mdm.corp.example"
KEY = ec.derive_private_key(77, ec.SECP256R1())
OTHER = ec.derive_private_key(78, ec.SECP256R1())
PUBLIC = (
    KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
)
PATH = "/api/machines/dev-phone/posture"


@pytest.fixture
def collector_settings(tmp_path) -> CollectorSettings:
    url = f"sqlite:///{tmp_path}/collector.sqlite"
    settings = CollectorSettings(url, "gateway-token-0123", "reading-token-0123", "administrators-0123", port=0)
    return replace(settings, posture_issuers=(PostureIssuer(ISSUER, (PUBLIC,)),))


def _report(key=KEY, algorithm="ES256", **claims):
    told = {"iss": ISSUER, "sub": "dev-phone", "iat": int(NOW.timestamp()), "jailbroken": False} | claims
    return jwt.encode({name: value for name, value in told.items() if value is not ...}, key, algorithm=algorithm)


async def _hand_in(running, report, token=ADMIN):
    return await running.ask("POST", PATH, token, json={"report": report})


async def test_a_jailbreak_is_a_high_alert_until_a_clean_report(running):
    await running.deliver(device_seen("d"))
    told = {"os_platform": "iOS", "os_version": "18.1", "patch_level": "2026-11-01"}
    assert (await _hand_in(running, _report(jailbroken=True, **told)))[0] == 204
    _, machine, _ = await running.ask("GET", "/api/machines/dev-phone")
    assert (machine["riskScore"], machine["osPlatform"], machine["version"]) == ("High", "iOS", "18.1")
    assert machine["osPlatformSource"] == f"attested by {ISSUER}"
    assert (machine["posture"]["compromised"], machine["posture"]["patchLevel"]) == (True, "2026-11-01")
    _, body, _ = await running.ask("GET", "/api/alerts")
    (alert,) = body["value"]
    assert (alert["title"], alert["severity"], alert["status"]) == ("Jailbreak or root detected", "High", "New")
    assert (await running.ask("GET", "/api/machines/dev-phone/risk"))[1]["riskLevel"] == "high"
    running.clock.advance(minutes=5)
    later = int((NOW + timedelta(minutes=5)).timestamp())
    assert (await _hand_in(running, _report(iat=later)))[0] == 204
    _, alert, _ = await running.ask("GET", f"/api/alerts/{alert['id']}")
    assert (alert["status"], alert["comments"][0]["createdBy"]) == ("Resolved", ISSUER)
    assert (await running.ask("GET", "/api/machines/dev-phone/risk"))[1]["riskLevel"] == "none"
    running.clock.advance(minutes=1)
    assert (await _hand_in(running, _report(iat=later + 60, rooted=True)))[0] == 204
    assert (await running.ask("GET", f"/api/alerts/{alert['id']}"))[1]["status"] == "New"


@pytest.mark.parametrize(
    ("report", "status", "said"),
    [
        ("", 400, "report: expected a signed report"),
        ("x.y.z", 403, "report: not a signed report"),
        ("x" * 70_000, 403, "report: longer than"),
        (_report(key=OTHER), 403, "its signature does not fit"),
        (_report(key="a secret of thirty-two characters!!", algorithm="HS256"), 403, "its signature does not fit"),
        (_report(key=None, algorithm="none"), 403, "its signature does not fit"),
        (_report(iss="https://else.example"), 403, "iss: no such issuer"),
        (_report(sub="dev-other"), 403, "sub: the report is about another device"),
        (_report(sub=...), 403, "sub: is required"),
        (_report(iat=int(NOW.timestamp()) - 3600), 403, "iat: expected a report of the last 10 minutes"),
        (_report(iat=int(NOW.timestamp()) + 3600), 403, "iat: expected a report of the last 10 minutes"),
        (_report(rooted="yes"), 403, "jailbroken, rooted: expected true or false"),
        (_report(os_version="x" * 65), 403, "os_version: expected text"),
        (_report(os_version=18), 403, "os_version: expected text"),
        (_report(iat=float("nan")), 403, "iat: expected a number"),
        (_report(iat=float("inf")), 403, "iat: expected a report of the last 10 minutes"),
        ("e30." + "W1tb" * 15_000 + ".AA", 403, "report: not a signed report"),
    ],
    ids=range(17),
)
async def test_what_is_not_believed(running, report, status, said):
    await running.deliver(device_seen("d"))
    answer = await _hand_in(running, report)
    assert (answer[0], said in answer[1]["error"]["message"]) == (status, True), answer[1]
    assert (await running.ask("GET", "/api/machines/dev-phone"))[1]["posture"] is None


async def test_a_report_counts_once_and_only_for_known_devices(running):
    assert (await _hand_in(running, _report()))[0] == 404
    await running.deliver(device_seen("d"))
    assert (await _hand_in(running, _report(jailbroken=True)))[0] == 204
    _, body, _ = await running.ask("GET", "/api/v1/audit?what=machine.posture", ADMIN)
    (entry,) = body["value"]
    assert (entry["who"], entry["target"], entry["detail"]["compromised"]) == ("admin token", "dev-phone", True)
    assert entry["detail"]["issuer"] == ISSUER
    assert (await _hand_in(running, _report()))[0] == 409, "an older clean report takes nothing back"
    assert (await _hand_in(running, _report(), READ))[0] == 403
