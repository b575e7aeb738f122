"""What people do in the console: triage one alert or many, indicators, why, requests, devices, exports. Roles hold."""

from __future__ import annotations

import asyncio
import csv
import io
import re
import socket
from contextlib import closing
from datetime import timedelta

import psutil
import pytest

from collector.accounts.tokens import make_token
from collector.api import questions
from collector.console import alert_pages
from collector.web.access import Scope
from collector.web.parts import PARTS
from indicators.event import Evidence
from indicators.words import Action, Category, Severity
from proxy.policy_stream.facts import PushedFacts
from proxy.policy_stream.told import read_told
from tests.collector.conftest import ADMIN, GATEWAY, NOW, READ
from tests.collector.console.test_pages import STATUS, get
from tests.support.events import verdict
from tests.support.hostile import HOSTILE

REQUEST = {"gateway": "gw-1", "device": {"id": "dev-phone", "name": "Mira's phone"}, "host": "casino.example"}


async def post(running, path: str, **data: str):
    status, body, headers = await running.ask("POST", path, ADMIN, data=data, allow_redirects=False)
    return status, headers.get("Location", "") or body


async def alert_of(running) -> dict:
    return (await running.ask("GET", "/api/alerts"))[1]["value"][0]


async def test_an_alert_is_triaged(running):
    await running.deliver(verdict())
    alert = await alert_of(running)
    path = f"/alerts/{alert['id']}"
    form = {
        "status": "InProgress",
        "was_status": "New",
        "assigned_to": "mira",
        "was_assigned_to": "",
        "comment": "seen",
    }
    assert await post(running, path, **form) == (303, f"{path}?done=alert")
    changed = await alert_of(running)
    assert (changed["status"], changed["assignedTo"], changed["comments"][0]["comment"]) == (
        "InProgress",
        "mira",
        "seen",
    )
    assert "The alert was changed." in await get(running, f"{path}?done=alert")
    assert "<b>x" not in await get(running, f"{path}?done=<b>x")


async def test_only_what_was_changed_is_overwritten(running):
    """Two people have the page open: the second one's unchanged fields do not undo the first one's."""
    await running.deliver(verdict())
    path = f"/alerts/{(await alert_of(running))['id']}"
    stale = {"status": "New", "was_status": "New", "assigned_to": "", "was_assigned_to": ""}
    await post(running, path, **stale | {"status": "Resolved"})
    await post(running, path, **stale | {"assigned_to": "jo"})
    changed = await alert_of(running)
    assert (changed["status"], changed["assignedTo"]) == ("Resolved", "jo")
    assert await post(running, path, **stale) == (303, f"{path}?done=alert")


async def test_the_button_resolves_whatever_the_list_says(running):
    await running.deliver(verdict())
    path = f"/alerts/{(await alert_of(running))['id']}"
    data = [("was_status", "New"), ("status", "New"), ("status", "Resolved")]
    assert (await running.ask("POST", path, ADMIN, data=data, allow_redirects=False))[0] == 303
    assert (await alert_of(running))["status"] == "Resolved"


async def test_wrong_triage_is_told_on_the_page(running):
    await running.deliver(verdict())
    path = f"/alerts/{(await alert_of(running))['id']}"
    status, body = await post(running, path, classification="FalsePositive", determination="Phishing")
    assert status == 400
    assert "determination for FalsePositive" in body
    assert (await post(running, "/alerts/none", comment="x"))[0] == 404
    assert (await post(running, "/alerts", status="Gone"))[0] == 400


async def test_many_alerts_are_changed_at_once(running):
    await running.deliver(*(verdict(f"v{i}", host=f"h{i}.example") for i in range(3)))
    ids = [alert["id"] for alert in (await running.ask("GET", "/api/alerts"))[1]["value"]]
    data = [("alert", ids[0]), ("alert", ids[1]), ("status", "Resolved"), ("classification", "FalsePositive")]
    data.append(("next", "/alerts?show=all"))
    status, _, headers = await running.ask("POST", "/alerts", ADMIN, data=data, allow_redirects=False)
    assert (status, headers["Location"]) == (303, "/alerts?show=all&done=alert")
    page = await get(running, "/alerts")
    assert ids[2] in page
    assert ids[0] not in page
    await running.ask("POST", "/alerts", ADMIN, data={"alert": ids[2], "status": "Resolved"})
    assert "Everything was looked at" in await get(running, "/alerts")


C2 = {"category": "command_and_control"}  # whose severity counts although it was blocked


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=H1.EXAMPLE", {"h1"}),
        ("q=phone", {"h0", "h1", "h2"}),
        ("severity=high", {"h2"}),
        ("severity=nonsense", {"h0", "h1", "h2"}),
        ("status=InProgress", set()),
        ("device=dev-phone", {"h0", "h1", "h2"}),
        ("device=other", set()),
        ("indicator=evil.example", {"h0", "h1", "h2"}),
        ("q=%25", set()),
        ("assigned=mira", set()),
    ],
)
async def test_filters(running, query, found):
    own = Evidence("evil.example", "domain", Action.BLOCK, "custom", Category.CUSTOM, "evil.example")
    loud = {"severity": Severity.HIGH, "matches": (own,)}
    await running.deliver(*(verdict(f"v{i}", host=f"h{i}.example", **(loud if i == 2 else {})) for i in range(3)))
    page = await get(running, f"/alerts?{query}")
    assert set(re.findall(r'class="host">(h\d)\.example<', page)) == found


async def test_the_table_for_spreadsheets_holds_no_formula(running):
    await running.deliver(*(verdict(f"v{i}", host=f"h{i}", title=text) for i, text in enumerate(HOSTILE)))
    _, text, headers = await running.ask("GET", "/alerts.csv")
    assert headers["Content-Type"] == "text/csv; charset=utf-8"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Disposition"].startswith("attachment")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert len(rows) == len(HOSTILE) + 1
    assert not [value for row in rows for value in row if value.lstrip().startswith(("=", "+", "-", "@"))]


async def test_a_long_table_comes_in_pieces_and_misses_nothing(running):
    await running.deliver(*(verdict(f"v{i}", host=f"h{i}.example") for i in range(1000)))
    _, text, _ = await running.ask("GET", "/alerts.csv")
    head, *rows = csv.reader(io.StringIO(text, newline=""))
    assert head[:5] == ["id", "status", "severity", "title", "destination"]
    assert sorted(row[4] for row in rows) == sorted(f"h{i}.example" for i in range(1000))
    assert {row[9] for row in rows} == {"Mira's phone"}


async def test_a_reader_who_does_not_take_the_table_is_cut_off(running, monkeypatch):
    monkeypatch.setattr(alert_pages, "_PATIENCE", 0.3)
    for part in range(3):  # 10 MB of table: more than the sockets between us hold
        titled = (verdict(f"v{part}-{i}", host=f"h{part}-{i}.example", title="x" * 4000) for i in range(900))
        await running.deliver(*titled)
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.setblocking(False)
    with closing(reader):
        host, port = running.service.address.split(":")
        await asyncio.get_running_loop().sock_connect(reader, (host, int(port)))
        asked = f"GET /alerts.csv HTTP/1.1\r\nHost: {running.service.address}\r\nAuthorization: Bearer {ADMIN}\r\n\r\n"
        await asyncio.get_running_loop().sock_sendall(reader, asked.encode())
        ours = reader.getsockname()[1]
        async with asyncio.timeout(60):
            while not _serving(ours):
                await asyncio.sleep(0.05)
            while _serving(ours):
                await asyncio.sleep(0.05)


def _serving(port: int) -> bool:
    """Say whether the collector (in this process) holds a connection from a port."""
    return any(one.raddr and one.raddr.port == port for one in psutil.Process().net_connections("tcp"))


async def test_indicators_are_added_found_and_ended(running):
    await running.deliver(verdict())
    form = {"indicatorValue": "evil.example", "action": "Block", "life": "1d", "severity": "high", "alert": "yes"}
    assert await post(running, "/indicators", **form) == (303, "/indicators?done=indicator")
    page = await get(running, "/indicators?q=EVIL")
    assert "1× on 1 device" in page
    assert "ends " in page
    (listed,) = (await running.ask("GET", "/api/indicators", ADMIN))[1]["value"]
    assert (listed["indicatorType"], listed["createdBy"]) == ("DomainName", "admin token")
    assert "No indicator fits" in await get(running, "/indicators?q=nothing")
    hits = await get(running, "/indicators/hits?value=evil.example")
    assert "Phishing site blocked" in hits
    assert "decided no alert" in await get(running, "/indicators/hits?value=other")
    number = listed["id"]
    assert await post(running, f"/indicators/{number}/expire") == (303, "/indicators?done=indicator-gone")
    assert (await post(running, f"/indicators/{number}/expire"))[0] == 404
    assert (await running.ask("GET", "/indicators/hits"))[0] == 400


async def test_a_wrong_indicator_is_told_with_what_was_typed(running):
    status, body = await post(running, "/indicators", indicatorValue="a b<", action="Block", title="mine")
    assert status == 400
    assert 'value="a b&lt;"' in body
    assert 'value="mine"' in body


async def test_pages_of_indicators_follow_each_other(running):
    rows = [
        {
            "indicatorValue": f"h{i}.example",
            "indicatorType": "DomainName",
            "action": "Block",
            "title": "t",
            "description": "d",
        }
        for i in range(60)
    ]
    assert (await running.ask("POST", "/api/indicators/import", ADMIN, json={"Indicators": rows}))[0] == 200
    first = await get(running, "/indicators")
    following = re.search(r'href="(/indicators\?[^"]+)" rel="next"', first)[1].replace("&amp;", "&")
    second = await get(running, following)
    names = re.findall(r'class="host">(h\d+)\.example<', first + second)
    assert len(names) == len(set(names)) == 60


async def answer_once(running, **answer) -> None:
    while True:
        _, body, _ = await running.ask("GET", "/api/v1/questions?gateway=gw-1&wait=5", GATEWAY)
        for question in body["questions"]:
            told = {"gateway": "gw-1", "answer": {"target": question["target"], **answer}}
            await running.ask("POST", f"/api/v1/questions/{question['id']}", GATEWAY, json=told)
            return


async def test_why_shows_every_match_and_a_way_out(running):
    await running.ask("POST", "/api/v1/gateways/status", GATEWAY, json={**STATUS, "name": "attic"})
    await running.ask("GET", "/api/v1/questions?gateway=gw-1&wait=0", GATEWAY)
    match = {
        "indicator": "evil.example",
        "type": "domain",
        "action": "block",
        "category": "malware",
        "source": "urlhaus",
    }
    guarded = {**match, "source": "lonely", "action": "audit", "guard": "named by one feed alone", "line": 7}
    answer = {"action": "block", "reason": "listed", "host": "evil.example", "matches": [match, guarded]}
    answering = asyncio.create_task(answer_once(running, **answer))
    page = await get(running, "/why?target=evil.example/x")
    await answering
    for words in ("attic", "urlhaus", "named by one feed alone", "line 7", "decides"):
        assert words in page
    assert "Allow for an hour" not in page  # a reader may look
    status, where = await post(running, "/why/allow", host="evil.example", target="evil.example/x")
    assert (status, where) == (303, "/why?target=evil.example%2Fx&done=allowed")
    (allowed,) = (await running.ask("GET", "/api/indicators", ADMIN))[1]["value"]
    assert (allowed["action"], allowed["expirationTime"]) == ("Allowed", "2026-11-23T13:00:00.000Z")
    assert (await post(running, "/why/allow", host="a b"))[0] == 400


async def test_allowing_for_an_hour_leaves_an_indicator_of_ours_in_force_after_it(running):
    block = {"indicatorValue": "Evil.example", "indicatorType": "DomainName", "action": "Block", "severity": "High"}
    await running.ask("POST", "/api/indicators", ADMIN, json={**block, "title": "Ours", "description": "d"})
    assert (await post(running, "/why/allow", host="evil.example"))[0] == 303
    (ours,) = (await running.ask("GET", "/api/indicators", ADMIN))[1]["value"]
    assert (ours["action"], ours["title"], ours["expirationTime"]) == ("Block", "Ours", None)
    _, told, _ = await running.ask("GET", "/api/v1/policy?wait=0", GATEWAY)
    facts = PushedFacts()
    facts.take(read_told(told).changes)
    found = {(one.value, one.action) for one in facts.indicators(NOW)}
    assert found == {("evil.example", Action.BLOCK), ("evil.example", Action.ALLOW)}, "and equal, an allow outranks"
    assert [one.action for one in facts.indicators(NOW + timedelta(minutes=61))] == [Action.BLOCK]
    page = (await running.ask("GET", "/requests", ADMIN))[1]
    assert "every device" in page
    way = re.search(r'action="(/requests/[^"]+)" class="inline"', page)[1]
    assert "Take back" not in await get(running, "/requests"), "a reader may look"
    (entry,) = (await running.ask("GET", "/api/v1/audit?what=request.approve", ADMIN))[1]["value"]
    assert (entry["who"], entry["detail"]["host"]) == ("admin token", "evil.example")
    assert await post(running, way, what="deny") == (303, "/requests?done=denied")
    facts.take(read_told((await running.ask("GET", "/api/v1/policy?wait=0", GATEWAY))[1]).changes)
    assert [one.action for one in facts.indicators(NOW)] == [Action.BLOCK]


async def test_why_without_an_answer_says_so(running, monkeypatch):
    monkeypatch.setattr(questions, "_PATIENCE", 0.01)
    assert "Type what was blocked" in await get(running, "/why")
    assert "No gateway answered" in await get(running, "/why?target=evil.example")
    assert (await running.ask("GET", "/why?target=" + "a" * 8193))[0] == 400


async def test_requests_are_answered(running):
    await running.deliver(verdict())
    for number, host in enumerate(("casino.example", "bet.example")):
        body = {**REQUEST, "id": f"r{number}", "host": host, "incident": "inc-1", "note": "<b>please"}
        assert (await running.ask("POST", "/api/v1/access-requests", GATEWAY, json=body))[0] == 201
    page = await get(running, "/requests")
    assert "&lt;b&gt;please" in page
    assert "<b>2</b> people ask for access" in await get(running, "/")
    assert await post(running, "/requests/r0", what="approve", hours="8") == (303, "/requests?done=approved")
    assert await post(running, "/requests/r1", what="deny") == (303, "/requests?done=denied")
    told = (await running.ask("GET", "/api/v1/access-requests/r0"))[1]
    assert (told["status"], told["until"]) == ("approved", "2026-11-23T20:00:00.000Z")
    assert "Nobody waits" in await get(running, "/requests")
    assert (await post(running, "/requests/r1", what="deny"))[0] == 409
    assert (await post(running, "/requests/none", what="deny"))[0] == 404
    assert (await post(running, "/requests/r1", what="shrug"))[0] == 400


async def test_devices_are_found_tagged_and_deleted(running):
    from dataclasses import replace

    from tests.support.events import PHONE

    await running.deliver(*(verdict(f"v{i}", device=replace(PHONE, id=f"d{i}", name=f"n{i}")) for i in range(60)))
    first = await get(running, "/devices")
    following = re.search(r'href="(/devices\?[^"]+)" rel="next"', first)[1].replace("&amp;", "&")
    names = re.findall(r"<strong>(n\d+)</strong>", first + await get(running, following))
    assert len(names) == len(set(names)) == 60
    assert re.findall(r"<strong>(n\d+)</strong>", await get(running, "/devices?q=N59")) == ["n59"]
    assert "No device fits" in await get(running, "/devices?q=nothing")
    assert (await post(running, "/devices/d1", what="tag", tag="lab"))[0] == 303
    assert "lab" in str((await running.ask("GET", "/api/machines/d1"))[1]["machineTags"])
    assert (await post(running, "/devices/d1", what="untag", tag="lab"))[0] == 303
    for wrong in ({"what": "tag"}, {"what": "paint", "tag": "x"}):
        assert (await post(running, "/devices/d1", **wrong))[0] == 400
    assert await post(running, "/devices/d1", what="delete") == (303, "/devices?done=device-gone")
    for again in ({"what": "delete"}, {"what": "tag", "tag": "x"}):
        assert (await post(running, "/devices/d1", **again))[0] == 404


async def test_a_timeline_goes_back_page_by_page(running):
    await running.deliver(*(verdict(f"v{i:03}", host=f"h{i}.example", url="") for i in range(120)))
    path, seen = "/devices/dev-phone?span=30d", []
    while path:
        page = await get(running, path)
        seen += re.findall(r'class="id">(v\d+)<', page)
        following = re.search(r'href="(/devices/dev-phone\?[^"]*after=[^"#]+)#h-timeline"', page)
        path = following[1].replace("&amp;", "&") if following else ""
        assert len(seen) <= 120
    assert len(seen) == len(set(seen)) == 120


async def test_the_system_page_tells_how_gateways_are(running):
    await running.ask("POST", "/api/v1/gateways/status", GATEWAY, json={**STATUS, "name": "attic"})
    page = await get(running, "/system")
    for words in ("attic", "openphish", "503 from publisher", "Nobody is told by itself"):
        assert words in page
    assert "indicators.yaml:3: action: expected allow" in page
    errors = ["config.yaml:12: groups.kids.mode: expected enforce or audit", "<b>: nothing"]
    await running.ask("POST", "/api/v1/gateways/status", GATEWAY, json={**STATUS, "errors": errors})
    page = await get(running, "/system")
    assert "config.yaml:12: groups.kids.mode: expected enforce or audit" in page
    assert "&lt;b&gt;: nothing" in page
    await running.ask("POST", "/api/v1/gateways/status", GATEWAY, json={**STATUS, "errors": []})
    assert "What is wrong</dt>" not in await get(running, "/system")
    spent = {"connections": 1000, "opened": 5, "not_enforced": 2, "top": [{"indicator": "x.example/p", "opened": 5}]}
    await running.ask("POST", "/api/v1/gateways/status", GATEWAY, json={**STATUS, "decryption": spent})
    overview = await get(running, "/?span=7d")
    assert "0.50 %" in overview
    assert "x.example/p" in overview


CHANGES = [
    "/alerts/x",
    "/alerts",
    "/indicators",
    "/indicators/1/expire",
    "/why/allow",
    "/requests/x",
    "/devices/x",
    "/system/pins",
]


@pytest.mark.parametrize("path", CHANGES)
async def test_readers_change_nothing(running, path):
    database = running.service._app[PARTS].database
    scoped = await make_token(database, "reader", [Scope.READ], "mira", NOW)
    for token in (READ, scoped, GATEWAY):
        assert (await running.ask("POST", path, token, data={}))[0] == 403
    assert (await running.ask("POST", path, "", data={}))[0] == 401
