"""Walk the routes: whatever changes something says in the audit log who changed it, or here why it need not."""

from __future__ import annotations

import base64
import re
from datetime import timedelta
from typing import Any

import jwt
import pytest
from argon2 import PasswordHasher
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from collector.accounts.tokens import make_token
from collector.app import ROUTES
from collector.settings import PostureIssuer
from collector.web.access import Role, Scope
from collector.web.parts import PARTS
from tests.collector.conftest import ADMIN, GATEWAY, NOW
from tests.collector.console.test_pages import STATUS
from tests.support.events import verdict

KEY = ec.derive_private_key(77, ec.SECP256R1())
PUBLIC = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
TOLD = "what gateways tell of traffic and of themselves: it is kept as told, by gateway"
QUIET = {
    ("POST", "/api/v1/events"): TOLD,
    ("POST", "/api/v1/gateways/status"): TOLD,
    ("POST", "/api/v1/coverage"): TOLD,
    ("POST", "/api/v1/access-requests"): TOLD,
    ("POST", "/api/v1/questions/{id}"): TOLD,
    ("POST", "/api/v1/history/test"): "asks, and changes nothing",
    ("POST", "/api/v1/tickets"): "gives out a link; that it was used is in the log",
    ("POST", "/{tenant}/oauth2/v2.0/token"): "gives a client what its token, which is in the log, lets it have",
    ("POST", "/{tenant}/oauth2/token"): "as the route above",
}
GOOD = "correct horse battery"
INDICATOR = {
    "indicatorValue": "x.example", "indicatorType": "DomainName", "action": "Block", "title": "t", "description": "d",
}  # fmt: skip
FORM = {"status": "InProgress", "was_status": "New", "alert": "{alert}"}
CHANGES: tuple[tuple[str, str, dict[str, Any], str], ...] = (
    ("PATCH", "/api/alerts/{id}", {"status": "InProgress"}, "alert.change"),
    ("POST", "/api/alerts/{id}/comments", {"comment": "c"}, "alert.change"),
    ("POST", "/api/alerts/batchUpdate", {"alertIds": ["{alert}"], "status": "New"}, "alert.change"),
    ("POST", "/api/indicators", INDICATOR, "indicator.submit"),
    ("POST", "/api/indicators/import", {"Indicators": [INDICATOR]}, "indicator.submit"),
    ("DELETE", "/api/indicators/{id}", {}, "indicator.delete"),
    ("POST", "/api/indicators/BatchDelete", {"IndicatorIds": ["2"]}, "indicator.delete"),
    ("POST", "/api/v1/access-requests/{id}/approve", {}, "request.approve"),
    ("POST", "/api/v1/access-requests/{id}/deny", {}, "request.deny"),
    (
        "POST", "/api/v1/enrolments",
        {"device": "d", "files": [{"name": "a", "media": "text/plain", "purpose": "p", "body": "YQ=="}]},
        "enrolment.offer",
    ),
    ("POST", "/api/machines/{id}/posture", {"report": "{report}"}, "machine.posture"),
    ("POST", "/api/machines/{id}/tags", {"Value": "vip", "Action": "Add"}, "machine."),
    ("PATCH", "/api/machines/{id}", {"rbacGroupName": "finance"}, "machine."),
    ("DELETE", "/api/machines/{id}", {}, "machine.delete"),
    ("POST", "/alerts", FORM, "alert.change"),
    ("POST", "/alerts/{id}", FORM, "alert.change"),
    ("POST", "/devices/{id}", {"what": "tag", "tag": "x"}, "machine."),
    ("POST", "/indicators", {"indicatorValue": "y.example", "action": "Block"}, "indicator.submit"),
    ("POST", "/indicators/{number}/expire", {}, "indicator.delete"),
    ("POST", "/why/allow", {"host": "z.example"}, "indicator.submit"),
    ("POST", "/requests/{id}", {"what": "approve"}, "request.approve"),
    ("POST", "/system/pins", {"what": "all"}, "pin."),
    ("POST", "/access/invitations", {"role": "viewer"}, "account.invite"),
    ("POST", "/access/accounts/{name}", {"role": "viewer"}, "account.role"),
    ("POST", "/access/tokens", {"name": "t", "scope": str(Scope.READ)}, "token.make"),
    ("POST", "/access/tokens/{id}/revoke", {}, "token.revoke"),
    ("POST", "/login", {"name": "mira", "password": GOOD}, "session.begin"),
    ("POST", "/invitation", {"code": "{code}", "name": "noa", "password": GOOD, "again": GOOD}, "account.accept"),
    ("POST", "/enrol", {"code": "{offer}"}, "enrolment.open"),
    ("POST", "/account/password", {"old": GOOD, "password": GOOD + "!", "again": GOOD + "!"}, "account.password"),
    ("POST", "/logout", {}, "session.end"),
)  # fmt: skip


def _plain(path: str) -> str:
    """Return a route's path with nothing but names in its braces."""
    return re.sub(r"\{(\w+)(?::(?:[^{}]|\{[^{}]*\})*)?\}", r"{\1}", path)


def test_every_route_that_changes_something_is_walked():
    routes = {(method, _plain(path)) for method, path, *_ in ROUTES if method != "GET" and "/v1.0/" not in path}
    assert routes == QUIET.keys() | {(method, path) for method, path, *_ in CHANGES}


@pytest.fixture
def collector_settings(collector_settings):
    from dataclasses import replace

    return replace(collector_settings, posture_issuers=(PostureIssuer("mdm", (PUBLIC.decode(),)),))


@pytest.fixture
async def names(running) -> dict[str, str]:
    """Make something of each kind to change; return what stands for the words in braces."""
    parts = running.service._app[PARTS]
    parts.people._passwords._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    await running.deliver(verdict())
    pins = [{"device": "dev-phone", "host": "a.example", "ja4": "t", "until": (NOW + timedelta(hours=1)).isoformat()}]
    await running.ask("POST", "/api/v1/gateways/status", GATEWAY, json={**STATUS, "pinned": pins, "pins": 1})
    for value in ("one.example", "two.example"):
        assert (await running.ask("POST", "/api/indicators", ADMIN, json=INDICATOR | {"indicatorValue": value}))[
            0
        ] == 200
    asked = {"id": "ar", "gateway": "gw-1", "device": {"id": "dev-phone"}, "host": "casino.example"}
    assert (await running.ask("POST", "/api/v1/access-requests", GATEWAY, json=asked))[0] == 201
    for name, role in (("mira", Role.ANALYST), ("root", Role.ADMIN)):
        code = await parts.people.invite(name, role, "setup", NOW)
        await parts.people.accept(code, name, GOOD, NOW)
    file = {"name": "a", "media": "text/plain", "purpose": "p", "body": base64.b64encode(b"x").decode()}
    _, offer, _ = await running.ask("POST", "/api/v1/enrolments", ADMIN, json={"device": "d", "files": [file]})
    claims = {"iss": "mdm", "sub": "dev-phone", "iat": int(NOW.timestamp()), "jailbroken": False}
    token = await make_token(parts.database, "t", [Scope.READ], "setup", NOW)
    return {
        "alert": (await running.ask("GET", "/api/alerts"))[1]["value"][0]["id"],
        "report": jwt.encode(claims, KEY, algorithm="ES256"),
        "code": await parts.people.invite("", Role.VIEWER, "setup", NOW),
        "offer": offer["url"].partition("code=")[2],
        "token": token.split("_")[1],
    }


@pytest.mark.parametrize(("method", "path", "body", "what"), CHANGES, ids=[f"{one[0]} {one[1]}" for one in CHANGES])
async def test_who_changed_what_is_in_the_log(running, names, method, path, body, what):
    kind = path.split("/")[2] if path.startswith(("/api/", "/access/")) else path.split("/")[1]
    of_kind = {"alerts": "alert", "tokens": "token"}
    fixed = {"machines": "dev-phone", "devices": "dev-phone", "v1": "ar", "requests": "ar", "indicators": "1"}
    at = names.get(of_kind.get(kind, "")) or fixed.get(kind, "")
    url = path.replace("{id}", at).replace("{number}", "1").replace("{name}", "mira")
    filled = {key: _filled(value, names) for key, value in body.items()}
    browser = await _browser(running, "root") if path == "/account/password" else await running.log_in()
    before = await _entries(running)
    if path.startswith("/api/"):
        status, said, _ = await running.ask(method, url, ADMIN, json=filled)
    else:
        csrf = await _csrf(running, browser)
        async with browser.post(running.url + url, data={"csrf": csrf, **filled}, allow_redirects=False) as answer:
            status, said = answer.status, await answer.text()
    await browser.close()
    assert status < 400, said
    new = [entry for entry in await _entries(running) if entry not in before]
    assert new, "nothing was written"
    assert all(entry["what"].startswith(what) and entry["who"] for entry in new), new


def _filled(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_filled(one, names) for one in value]
    return names.get(value[1:-1], value) if isinstance(value, str) and value.startswith("{") else value


async def _entries(running) -> list[dict[str, Any]]:
    return (await running.ask("GET", "/api/v1/audit?$top=1000", ADMIN))[1]["value"]


async def _csrf(running, browser) -> str:
    async with browser.get(f"{running.url}/account") as answer:
        return re.search(r'name="csrf" value="(\w+)"', await answer.text())[1]


async def _browser(running, name: str):
    browser = await running.log_in()
    data = {"name": name, "password": GOOD}
    async with browser.post(f"{running.url}/login", data=data, allow_redirects=False) as answer:
        assert answer.status == 303
    return browser
