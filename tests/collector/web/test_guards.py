"""Foreign names and foreign pages are turned away, and every answer keeps browsers strict."""

from __future__ import annotations

import re

import aiohttp
import pytest
from yarl import URL

from collector.app import ROUTES
from collector.web.access import Access
from tests.collector.conftest import ADMIN, GATEWAY, READ, Running
from tests.support.events import verdict

_ASKED = {route[1]: route[2] for route in ROUTES if route[0] == "GET" and "/v1.0/" not in route[1]}
_PLACE = re.compile(r"\{(?:[^{}]|\{[^{}]*\})*\}")
_ODD = ("%ED%A0%80", "%FF", "9" * 18, "9" * 30, "-1", "²", "%0d%0a", "%5C", "'", "a" * 4000)
_QUERY = "$filter $orderby $top $skip $count $expand q after who what below status severity device show span".split()
_LIVE = {"/stream": None, "/api/v1/tail": "follow=0", "/api/v1/policy": "wait=0", "/api/v1/questions": "wait=0"}


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "rebind.attacker.example",
        "127.0.0.1:1",
        "localhost.evil.example:{port}",
        "",
        "[::1]",
        "a@127.0.0.1:{port}",
    ],
)
async def test_foreign_hosts_are_not_served(running, host):
    host = host.format(port=running.service.port)
    status, _, _ = await running.ask("GET", "/api/alerts", headers={"Host": host})
    assert status in (400, 421)


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "LOCALHOST:{port}", "[::1]:{port}"])
async def test_loopback_with_the_bound_port_is_served(running, host):
    host = host.format(port=running.service.port)
    assert (await running.ask("GET", "/api/alerts", headers={"Host": host}))[0] == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Origin": "http://localhost:{port}"}, 403),
        ({"Origin": "http://127.0.0.1:{port}"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, 200),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, 403),
    ],
)
async def test_pages_of_others_are_turned_away(running, headers, status):
    headers = {name: value.format(port=running.service.port) for name, value in headers.items()}
    assert (await running.ask("GET", "/api/alerts", headers=headers))[0] == status


@pytest.mark.parametrize("path", ["/api/alerts", "/healthz", "/nothing", "/", "/login?ticket=x", "/assets/console.css"])
async def test_every_answer_has_the_headers(running, path):
    _, _, headers = await running.ask("GET", path)
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in headers
    assert "ython" not in headers["Server"]


async def test_preflights_are_not_answered(running):
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    status, _, answered = await running.ask("OPTIONS", "/api/v1/events", "", headers=headers)
    assert status == 403
    assert "Access-Control-Allow-Origin" not in answered


TABLE = [
    ("GET", "/api/alerts", {READ: 200, ADMIN: 200, GATEWAY: 403, "": 401, "wrong": 401}),
    ("GET", "/api/machines", {READ: 200, ADMIN: 200, GATEWAY: 403, "": 401}),
    ("GET", "/api/v1/incidents/none", {READ: 404, ADMIN: 404, GATEWAY: 403, "": 401}),
    ("GET", "/", {READ: 200, ADMIN: 200, GATEWAY: 403, "": 401}),
    ("GET", "/stream", {GATEWAY: 403, "": 401}),
    ("POST", "/api/v1/events", {READ: 403, ADMIN: 403, GATEWAY: 415, "": 401}),
    ("POST", "/api/v1/gateways/status", {READ: 403, ADMIN: 403, GATEWAY: 400, "": 401}),
    ("POST", "/api/v1/tickets", {READ: 403, ADMIN: 201, GATEWAY: 403, "": 401}),
    ("GET", "/healthz", {"": 200, "wrong": 200}),
]


@pytest.mark.parametrize(("method", "path", "expected"), TABLE, ids=[f"{method} {path}" for method, path, _ in TABLE])
async def test_who_may_do_what(running, method, path, expected):
    for token, status in expected.items():
        got, body, headers = await running.ask(method, path, token)
        assert got == status, (token, body)
        assert (status == 401) == ("WWW-Authenticate" in headers)


async def test_other_schemes_are_not_tokens(running):
    assert (await running.ask("GET", "/api/alerts", "", headers={"Authorization": f"Basic {READ}"}))[0] == 401


async def _get(running: Running, browser: aiohttp.ClientSession, address: str) -> tuple[int, str]:
    path = address.partition("?")[0]
    url = URL(running.url + address, encoded=True)
    token = {"Authorization": f"Bearer {GATEWAY if _ASKED.get(path) is Access.GATEWAY else ADMIN}"}
    http, headers = (running.http, token) if path.startswith(("/api", "/metrics")) else (browser, {})
    running.clock.advance(seconds=40)  # calls are counted by the minute
    async with http.get(url, headers=headers, allow_redirects=False) as answer:
        return answer.status, await answer.text(errors="replace")


async def test_a_nul_is_refused_wherever_it_stands(on_either):
    browser = await on_either.log_in()
    addresses = [f"{path}?q=x%00y" for path in _ASKED if "{" not in path]
    addresses += [_PLACE.sub("x%00y", path) for path in _ASKED if "{" in path]
    for address in addresses:
        status, said = await _get(on_either, browser, address)
        assert (status, "NUL" in said) == (400, True), address
    await browser.close()


async def test_odd_words_in_an_address_are_no_failure(on_either):
    await on_either.deliver(verdict())
    browser, failed = await on_either.log_in(), []
    for path in _ASKED.keys() - {"/stream"}:
        filled = [_PLACE.sub(odd, path) for odd in _ODD] if "{" in path else []
        filled += [f"{_PLACE.sub('x', path)}?{name}={odd}" for name in _QUERY for odd in _ODD[:2]]
        for address in filled:
            more = f"{'&' if '?' in address else '?'}{_LIVE[path]}" if path in _LIVE else ""
            status, _ = await _get(on_either, browser, address + more)
            failed += [(status, address)] if status >= 500 else []
    assert failed == []
    await browser.close()


@pytest.mark.parametrize("path", ["/api/alerts", "/api/machines", "/api/indicators"])
async def test_numbers_and_times_at_their_ends_are_no_failure(on_either, path):
    conditions = (
        "incidentId eq 999999999999999999", "count eq -999999999999999999", "alertCreationTime gt 9999-12-31T23:59:59Z",
        "lastSeen gt 0001-01-01T00:00:00Z", "lastSeen lt '9999-12-31T23:59:59-14:00'", "expirationTime gt 0001-01-01",
        "severity in (null,'High')", "riskScore ne 'None'", "contains(id,'%')", "title eq '\udce9'", "id gt ''",
    )  # fmt: skip
    for condition in conditions:
        status, body, _ = await on_either.ask("GET", path, ADMIN, params={"$filter": condition})
        assert status in (200, 400), (condition, body)
        assert status == 200 or body["error"]["message"].startswith("$filter: at character"), (condition, body)
