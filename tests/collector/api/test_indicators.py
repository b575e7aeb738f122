"""Custom indicators over the API: Defender's fields, limits and errors."""

from __future__ import annotations

from datetime import timedelta

import pytest

from collector.store import indicators as store
from tests.collector.conftest import ADMIN, GATEWAY, NOW, READ

BAD = {
    "indicatorValue": "Evil.example",
    "indicatorType": "DomainName",
    "action": "Block",
    "title": "A copy of our bank",
    "description": "Seen in text messages",
    "severity": "High",
    "recommendedActions": "Call us",
    "rbacGroupNames": ["children"],
}


async def _submit(running, token=ADMIN, **changes):
    body = {key: value for key, value in {**BAD, **changes}.items() if value is not ...}
    return await running.ask("POST", "/api/indicators", token, json=body)


async def test_submit_creates_then_changes_by_value(running):
    status, made, _ = await _submit(running)
    assert status == 200
    assert {key: made[key] for key in BAD} == BAD
    assert (made["createdBy"], made["sourceType"], made["generateAlert"]) == ("admin token", "User", True)
    running.clock.advance(minutes=1)
    _, changed, _ = await _submit(running, indicatorValue="evil.EXAMPLE.", action="Warn", severity="Low")
    assert (changed["id"], changed["action"], changed["severity"]) == (made["id"], "Warn", "Low")
    assert changed["creationTimeDateTimeUtc"] == made["creationTimeDateTimeUtc"] != changed["lastUpdateTime"]
    _, body, _ = await running.ask("GET", "/api/indicators?$count=true")
    assert body["@odata.count"] == 1
    assert (await running.ask("GET", f"/api/indicators/{made['id']}"))[1]["action"] == "Warn"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"indicatorValue": ...}, "indicatorValue: is required"),
        ({"indicatorValue": "not a host!"}, "indicatorValue: "),
        ({"indicatorValue": "192.0.2.1"}, "use indicatorType IpAddress"),
        ({"indicatorType": "Hostname"}, "indicatorType: expected one of FileSha1"),
        ({"title": ""}, "title: is required"),
        ({"title": "x" * 300}, "title: expected at most 256"),
        ({"description": ...}, "description: is required"),
        ({"action": "Deny"}, "action: expected one of Allowed, Audit"),
        ({"action": "BlockAndRemediate"}, "action: BlockAndRemediate is not for DomainName"),
        ({"action": "Audit", "generateAlert": False}, "generateAlert: expected true"),
        ({"generateAlert": "yes"}, "generateAlert: expected true or false"),
        ({"severity": "Huge"}, "severity: expected one of Informational"),
        ({"expirationTime": "2020-01-01T00:00:00Z"}, "expirationTime: expected a time that is yet to come"),
        ({"expirationTime": "soon"}, "expirationTime: expected a time such as"),
        ({"expirationTime": 20301231}, "expirationTime: expected a time such as"),
        ({"educateUrl": "ftp://x"}, "educateUrl: expected an http"),
        ({"educateUrl": "https://help.example", "action": "Allowed"}, "educateUrl: expected only with block or warn"),
        ({"rbacGroupNames": [1]}, "rbacGroupNames: expected a list"),
        ({"mitreTechniques": ["T" * 257]}, "mitreTechniques: expected names of at most 256 characters"),
        ({"indicatorType": "IpAddress", "indicatorValue": "192.0.2.0/24"}, "expected one address, no network"),
        ({"indicatorType": "IpAddress", "indicatorValue": "10.0.0.7"}, "10.0.0.7 is internal"),
        ({"indicatorType": "FileSha256", "indicatorValue": "abc"}, "indicatorValue: expected a SHA256 hash"),
        ({"indicatorType": "CertificateThumbprint", "indicatorValue": "a" * 40}, "expected Allowed or BlockAndRem"),
    ],
)
async def test_a_wrong_submission_names_its_key(running, changes, said):
    status, body, _ = await _submit(running, **changes)
    assert (status, body["error"]["code"]) == (400, "BadRequest")
    assert said in body["error"]["message"]
    assert (await running.ask("GET", "/api/indicators"))[1]["value"] == []


@pytest.mark.parametrize(
    ("changes", "action", "alerts"),
    [
        ({"action": "Alert"}, "Audit", True),
        (
            {"action": "AlertAndBlock", "indicatorType": "FileMd5", "indicatorValue": "a" * 32},
            "BlockAndRemediate", True,
        ),
        ({"action": "allowed"}, "Allowed", False),
        ({"action": "Warn", "generateAlert": False}, "Warn", False),
        (
            {"indicatorType": "Url", "indicatorValue": "https://a.example/x", "educateUrl": "https://h.example/"},
            "Block", True,
        ),
        ({"indicatorType": "IpAddress", "indicatorValue": "192.0.2.7"}, "Block", True),
        ({"indicatorType": "CertificateThumbprint", "indicatorValue": "a" * 40, "action": "Allowed"}, "Allowed", False),
    ],
)  # fmt: skip
async def test_types_and_actions(running, changes, action, alerts):
    status, body, _ = await _submit(running, **changes)
    assert (status, body.get("action"), body.get("generateAlert")) == (200, action, alerts)


async def test_import_answers_row_by_row(running):
    rows = [BAD, {**BAD, "indicatorValue": "two.example"}, {**BAD, "action": "No"}, "text", {**BAD, "title": "Again"}]
    status, body, _ = await running.ask("POST", "/api/indicators/import", ADMIN, json={"Indicators": rows})
    assert status == 200
    assert [row["isFailed"] for row in body["value"]] == [False, False, True, True, False]
    assert body["value"][0]["id"] == body["value"][4]["id"] != body["value"][1]["id"]
    assert body["value"][2]["failureReason"].startswith("action: expected one of")
    for wrong in ({"Indicators": []}, {"Indicators": [BAD] * 501}, {"indicators": [BAD]}):
        assert (await running.ask("POST", "/api/indicators/import", ADMIN, json=wrong))[0] == 400


async def test_delete_one_or_many_all_or_none(running):
    ids = [(await _submit(running, indicatorValue=f"h{n}.example"))[1]["id"] for n in range(3)]
    batch = "/api/indicators/BatchDelete"
    for wrong in ([], ["x"], [1], [str(n) for n in range(501)]):
        assert (await running.ask("POST", batch, ADMIN, json={"IndicatorIds": wrong}))[0] == 400
    status, body, _ = await running.ask("POST", batch, ADMIN, json={"IndicatorIds": [ids[0], "999"]})
    assert (status, body["error"]["message"]) == (404, "no indicator has the id 999")
    assert len((await running.ask("GET", "/api/indicators"))[1]["value"]) == 3
    assert (await running.ask("POST", batch, ADMIN, json={"IndicatorIds": ids[:2]}))[0] == 204
    assert (await running.ask("DELETE", f"/api/indicators/{ids[2]}", ADMIN))[0] == 204
    assert (await running.ask("DELETE", f"/api/indicators/{ids[2]}", ADMIN))[0] == 404
    assert (await running.ask("GET", f"/api/indicators/{ids[2]}"))[0] == 404
    assert (await running.ask("GET", "/api/indicators"))[1]["value"] == []


async def test_lists_are_filtered_and_what_expired_is_gone(running):
    await _submit(running, expirationTime="2026-11-23T13:00:00Z", rbacGroupNames=["Müller's"])
    await _submit(running, indicatorValue="b.example", action="Allowed", severity=..., rbacGroupNames=...)
    ask = "/api/indicators?$orderby=title&$filter="
    for condition, found in (
        ("action eq 'Allowed'", ["b.example"]),
        ("rbacGroupNames/any(g: g eq 'Müller''s')", ["Evil.example"]),
        ("rbacGroupNames/any(g: g eq 'Müller')", []),
        ("generateAlert eq true and severity eq 'High'", ["Evil.example"]),
        ("expirationTime lt 2027-01-01T00:00:00Z", ["Evil.example"]),
        ("createdBy eq 'admin token'", ["Evil.example", "b.example"]),
    ):
        _, body, _ = await running.ask("GET", ask + condition)
        assert sorted(row["indicatorValue"] for row in body["value"]) == sorted(found), condition
    running.clock.advance(hours=1)
    _, body, _ = await running.ask("GET", "/api/indicators")
    assert [row["indicatorValue"] for row in body["value"]] == ["b.example"]


async def test_who_may(running):
    assert (await _submit(running, READ))[0] == 403
    assert (await _submit(running, GATEWAY))[0] == 403
    assert (await running.ask("GET", "/api/indicators", GATEWAY))[0] == 403
    assert (await running.ask("DELETE", "/api/indicators/1", READ))[0] == 403


async def test_the_documented_rates_hold(running):
    for _ in range(100):
        assert (await running.ask("GET", "/api/indicators?$top=0"))[0] == 200
    status, body, headers = await running.ask("GET", "/api/indicators")
    assert (status, body["error"]["code"], headers["Retry-After"]) == (429, "TooManyRequests", "60")
    assert (await running.ask("GET", "/api/indicators", ADMIN))[0] == 200, "callers are counted one by one"
    running.clock.advance(seconds=61)
    assert (await running.ask("GET", "/api/indicators"))[0] == 200


async def test_there_are_at_most_so_many(running, monkeypatch):
    monkeypatch.setattr(store, "MOST", 2)
    rows = [{**BAD, "indicatorValue": f"h{n}.example"} for n in range(3)]
    _, body, _ = await running.ask("POST", "/api/indicators/import", ADMIN, json={"Indicators": rows})
    assert [row["isFailed"] for row in body["value"]] == [False, False, True]
    status, body, _ = await _submit(running, indicatorValue="late.example")
    assert (status, "at most" in body["error"]["message"]) == (400, True)
    soon = (NOW + timedelta(minutes=1)).isoformat()
    changed = await _submit(running, indicatorValue="h1.example", action="Warn", expirationTime=soon)
    assert changed[0] == 200, "a change needs no room"
    running.clock.advance(minutes=2)
    assert (await _submit(running, indicatorValue="late.example"))[0] == 200, "what has expired takes none"


def test_the_limit_is_defenders():
    assert store.MOST == 15_000
