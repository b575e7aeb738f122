"""Alerts changed over the API by Defender's rules, and the risk that follows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from indicators.words import Action, Category, Enforcement, Stage
from tests.collector.conftest import ADMIN, GATEWAY, READ
from tests.support.events import PHONE, TIME, repeat, verdict

MALWARE = {"category": Category.MALWARE, "stage": Stage.DOWNLOAD}


async def _alert(running, **changes):
    await running.deliver(verdict(**changes))
    _, body, _ = await running.ask("GET", "/api/alerts")
    return body["value"][0]


async def _patch(running, alert, body, token=ADMIN):
    return await running.ask("PATCH", f"/api/alerts/{alert['id']}", token, json=body)


async def test_the_life_of_an_alert(running):
    alert = await _alert(running)
    status, body, _ = await _patch(running, alert, {"status": "InProgress", "assignedTo": "mira@corp.example"})
    assert (status, body["status"], body["assignedTo"]) == (200, "InProgress", "mira@corp.example")
    running.clock.advance(minutes=5)
    done = {"status": "resolved", "classification": "FalsePositive", "determination": "Clean", "comment": "A test"}
    status, body, _ = await _patch(running, alert, done)
    assert (body["status"], body["classification"], body["determination"]) == ("Resolved", "FalsePositive", "Clean")
    assert body["resolvedTime"] == "2026-11-23T12:05:00.000Z"
    (comment,) = body["comments"]
    assert comment == {"comment": "A test", "createdBy": "admin token", "createdTime": "2026-11-23T12:05:00.000Z"}
    _, body, _ = await _patch(running, alert, {"status": "New", "assignedTo": None})
    assert (body["status"], body["resolvedTime"], body["assignedTo"]) == ("New", None, None)
    _, audit, _ = await running.ask("GET", "/api/v1/audit", ADMIN)
    changes = [entry for entry in audit["value"] if entry["what"] == "alert.change"]
    assert len(changes) == 3
    assert changes[-1]["detail"]["status"] == {"before": "New", "after": "InProgress"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "expected an object with some of status"),
        ({"severity": "High"}, "severity: cannot be changed"),
        ({"status": "Closed"}, "status: expected one of New, InProgress, Resolved"),
        ({"status": None}, "status: expected one of"),
        ({"classification": "Bad"}, "classification: expected one of TruePositive"),
        ({"classification": "FalsePositive", "determination": "Malware"}, "determination for FalsePositive"),
        ({"determination": "Sure"}, "determination: expected one of"),
        ({"assignedTo": 7}, "assignedTo: expected text"),
        ({"assignedTo": "x" * 257}, "assignedTo: expected at most 256"),
        ({"comment": " "}, "comment: expected some text"),
        ({"comment": "x" * 4001}, "comment: expected at most 4000"),
    ],
)
async def test_a_wrong_change_names_its_key_and_changes_nothing(running, body, said):
    alert = await _alert(running)
    status, answer, _ = await _patch(running, alert, body)
    assert status == 400
    assert said in answer["error"]["message"]
    assert (await running.ask("GET", f"/api/alerts/{alert['id']}"))[1] == alert


async def test_a_determination_must_go_with_the_classification_that_is_there(running):
    alert = await _alert(running)
    await _patch(running, alert, {"classification": "TruePositive", "determination": "Phishing"})
    status, answer, _ = await _patch(running, alert, {"determination": "Clean"})
    assert (status, "for TruePositive" in answer["error"]["message"]) == (400, True)
    _, body, _ = await _patch(running, alert, {"classification": "FalsePositive"})
    assert (body["classification"], body["determination"]) == ("FalsePositive", None)


async def test_comments_and_who_may_write_them(running):
    alert = await _alert(running)
    path = f"/api/alerts/{alert['id']}/comments"
    status, body, _ = await running.ask("POST", path, ADMIN, json={"comment": "Seen <b>this</b>"})
    assert (status, body["comments"][0]["comment"]) == (201, "Seen <b>this</b>")
    assert (await running.ask("POST", path, ADMIN, json={"text": "x"}))[0] == 400
    assert (await running.ask("POST", "/api/alerts/none/comments", ADMIN, json={"comment": "x"}))[0] == 404
    for token, status in ((READ, 403), (GATEWAY, 403), ("", 401)):
        assert (await running.ask("POST", path, token, json={"comment": "x"}))[0] == status
        assert (await running.ask("PATCH", f"/api/alerts/{alert['id']}", token, json={"status": "New"}))[0] == status
    assert (await _patch(running, {"id": "none"}, {"status": "New"}))[0] == 404
    assert (await running.ask("PATCH", f"/api/alerts/{alert['id']}", ADMIN, data="x"))[0] == 415
    assert (await running.ask("PATCH", f"/api/alerts/{alert['id']}", ADMIN, json=[1]))[0] == 400


async def test_several_alerts_change_alike_or_none_does(running):
    await running.deliver(*(verdict(f"v{n}", host=f"h{n}.example") for n in range(3)))
    _, body, _ = await running.ask("GET", "/api/alerts")
    ids = [alert["id"] for alert in body["value"]]
    batch = "/api/alerts/batchUpdate"
    wrong = [{"alertIds": []}, {"alertIds": ids, "status": "Gone"}, {"status": "Resolved"}]
    for change in wrong:
        assert (await running.ask("POST", batch, ADMIN, json=change))[0] == 400
    assert (await running.ask("POST", batch, ADMIN, json={"alertIds": [*ids, "no"], "status": "Resolved"}))[0] == 404
    _, body, _ = await running.ask("GET", "/api/alerts?$filter=status eq 'Resolved'&$count=true")
    assert body["@odata.count"] == 0
    assert (await running.ask("POST", batch, ADMIN, json={"alertIds": ids, "status": "Resolved"}))[0] == 200
    _, body, _ = await running.ask("GET", "/api/alerts?$filter=status eq 'Resolved'&$count=true")
    assert body["@odata.count"] == 3


RISK = "/api/machines/dev-phone/risk"


@pytest.mark.parametrize(
    ("changes", "level"),
    [
        ({}, "none"),
        ({"action": Action.WARN, "enforcement": Enforcement.WAIVED}, "low"),
        (MALWARE, "medium"),
    ],
    ids=["blocked phish", "overridden warning", "malware"],
)
async def test_what_each_threat_weighs(running, changes, level):
    alert = await _alert(running, **changes)
    _, risk, _ = await running.ask("GET", RISK)
    assert risk["riskLevel"] == level
    assert [(reason["alertId"], reason["weighs"]) for reason in risk["reasons"]] == [(alert["id"], level)]
    assert [row["after"] for row in risk["history"]] == ([] if level == "none" else [level])


async def test_a_risk_falls_when_its_alerts_are_resolved_and_its_history_stays(running):
    malware = await _alert(running, **MALWARE)
    running.clock.advance(minutes=1)
    await running.deliver(verdict("w", host="warn.example", action=Action.WARN, enforcement=Enforcement.WAIVED))
    assert (await running.ask("GET", RISK))[1]["riskLevel"] == "medium"
    running.clock.advance(minutes=1)
    await _patch(running, malware, {"status": "Resolved"})
    _, risk, _ = await running.ask("GET", RISK)
    assert (risk["riskLevel"], risk["since"]) == ("low", "2026-11-23T12:02:00.000Z")
    assert [(row["before"], row["after"]) for row in risk["history"]] == [("medium", "low"), ("none", "medium")]
    assert risk["history"][0]["reasons"] == ["Warning overridden: phishing site (low)"]
    assert (await running.ask("GET", "/api/machines/none/risk"))[0] == 404


async def test_a_resolved_alert_that_is_met_again_is_open_again_but_late_news_of_it_is_not(running):
    malware = await _alert(running, **MALWARE)
    await _patch(running, malware, {"status": "Resolved"})
    late = {"time": TIME + timedelta(minutes=1), **MALWARE}
    await running.deliver(verdict("late", **late), repeat("r", "inc-1", 5))
    assert (await running.ask("GET", f"/api/alerts/{malware['id']}"))[1]["status"] == "Resolved"
    assert (await running.ask("GET", RISK))[1]["riskLevel"] == "none"
    running.clock.advance(hours=2)
    await running.deliver(verdict("again", time=running.clock.now - timedelta(minutes=1), **MALWARE))
    _, alert, _ = await running.ask("GET", f"/api/alerts/{malware['id']}")
    assert (alert["status"], alert["resolvedTime"], alert["count"]) == ("New", None, 8)
    assert alert["comments"][-1]["createdBy"] == "Seawall"
    assert (await running.ask("GET", RISK))[1]["riskLevel"] == "medium"


async def test_lists_are_filtered_sorted_and_counted(running):
    await running.deliver(
        verdict("a", host="a.example"),
        verdict("b", host="b.example", **MALWARE),
        verdict("c", host="c.example", device=PHONE, title="Mine"),
    )
    ask = "/api/alerts?$filter=severity eq 'Medium' or startswith(title,'min')&$orderby=severity desc&$count=true"
    _, body, _ = await running.ask("GET", f"{ask}&$top=1&$expand=evidence")
    assert (body["@odata.count"], [alert["severity"] for alert in body["value"]]) == (2, ["Medium"])
    _, body, _ = await running.ask("GET", body["@odata.nextLink"].removeprefix(running.url))
    assert [alert["title"] for alert in body["value"]] == ["Mine"]
    _, body, _ = await running.ask("GET", "/api/alerts?$filter=computerDnsName eq 'Mira''s phone'&$count=true")
    assert body["@odata.count"] == 3


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("$filter=status eq 'Open'", "$filter: at character 11: status: expected one of 'New'"),
        ("$filter=nope eq 1", "$filter: at character 1: there is no field 'nope'"),
        ("$filter=", "$filter: at character 1"),
        ("$orderby=nope", "$orderby: at character 1: cannot sort by 'nope'"),
        ("$count=yes", "$count: expected true or false"),
        ("$expand=files", "$expand: expected evidence"),
        ("$search=x", "$search: expected one of $filter"),
        ("$top=1&$top=2", "$top: expected once"),
    ],
)
async def test_a_wrong_question_is_answered_with_its_place(running, query, said):
    status, body, _ = await running.ask("GET", f"/api/alerts?{query}")
    assert (status, body["error"]["code"]) == (400, "BadRequest")
    assert body["error"]["message"].startswith(said)
