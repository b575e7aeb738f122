"""Whoever may make a link, what it may hold, and that its making is written down."""

from __future__ import annotations

import base64

import pytest

from tests.collector.conftest import ADMIN, GATEWAY, READ

FILE = {"name": "phone.conf", "media": "text/plain", "purpose": "WireGuard", "body": base64.b64encode(b"x").decode()}
OFFER = {"device": "phone", "files": [FILE], "lines": {"pac": "http://192.0.2.1/proxy.pac"}, "seconds": 60}


async def test_only_an_administrator_makes_links(running):
    for token, expected in ((READ, 403), (GATEWAY, 403), ("", 401), (ADMIN, 201)):
        status, body, _ = await running.ask("POST", "/api/v1/enrolments", token, json=OFFER)
        assert status == expected
    assert body["url"].startswith(f"{running.url}/enrol?code=")
    assert body["expires_in"] == 60
    _, audit, _ = await running.ask("GET", "/api/v1/audit", ADMIN)
    entries = [entry for entry in audit["value"] if entry["what"] == "enrolment.offer"]
    assert [entry["target"] for entry in entries] == ["phone"]


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ({"files": []}, 400, "files"),
        ({"files": [{**FILE, "name": "../x"}]}, 400, "files.0.name"),
        ({"files": [{**FILE, "media": "text/html\r\nX: y"}]}, 400, "files.0.media"),
        ({"files": [{**FILE, "body": "no base64!"}]}, 400, "not base64"),
        ({"files": [{**FILE, "body": base64.b64encode(bytes(600_000)).decode()}]}, 413, "bytes at most"),
        ({"seconds": 0}, 400, "seconds"),
        ({"seconds": 8 * 86400}, 400, "seconds"),
        ({"more": 1}, 400, "more"),
    ],
)
async def test_what_a_link_may_hold(running, change, status, says):
    found, body, _ = await running.ask("POST", "/api/v1/enrolments", ADMIN, json=OFFER | change)
    assert (found, says in str(body)) == (status, True), body
