"""Foreign names and foreign pages are turned away, and every answer keeps browsers strict."""

from __future__ import annotations

import pytest

from tests.collector.conftest import ADMIN, GATEWAY, READ


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
