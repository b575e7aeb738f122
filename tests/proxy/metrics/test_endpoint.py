"""The gateway's metrics: read from its status, for the read token alone, under the listener's own names."""

from __future__ import annotations

import asyncio
import contextlib

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from proxy.metrics.endpoint import MetricsEndpoint
from proxy.metrics.exposition import render

STATUS = {
    "gateway": "abc", "version": "1", "serving": True, "indicators": 12, "waiting_for_ca": 3, "mode": "audit",
    "paused_until": None, "compiling": False, "generation": 4, "errors": ["x"],
    "workers": [{"role": "resolver", "ready": True, "restarts": 1, "failures": 2, "lost": 0}],
    "feeds": [
        {"name": "a", "state": "fresh", "entries": 5, "checked": "2026-11-23T12:00:00+00:00", "changed": None},
        {"name": "b", "state": "failing", "entries": None},
    ],
    "delivery": {"delivered": 7, "rejected": 1, "trouble": "away"},
}  # fmt: skip


def samples(text: str) -> dict[tuple[str, tuple[str, ...]], float]:
    found = text_string_to_metric_families(text)
    return {(s.name, tuple(s.labels.values())): s.value for family in found for s in family.samples}


def test_the_status_becomes_numbers():
    found = samples(render(STATUS).decode())
    assert found["seawall_up", ()] == 1
    assert found["seawall_enforcing", ()] == 0
    assert found["seawall_indicators", ()] == 12
    assert found["seawall_worker_restarts_total", ("resolver",)] == 1
    assert found["seawall_judgement_failures_total", ("resolver",)] == 2
    assert found["seawall_feed_healthy", ("a", "fresh")] == 1
    assert found["seawall_feed_healthy", ("b", "failing")] == 0
    assert found["seawall_feed_entries", ("b",)] == 0
    assert ("seawall_feed_changed_seconds", ("a",)) not in found
    assert found["seawall_delivered_events_total", ()] == 7
    assert found["seawall_delivery_failing", ()] == 1


@pytest.fixture
async def endpoint():
    made = MetricsEndpoint("127.0.0.1", 0, "read-token", lambda: STATUS)
    serving = asyncio.create_task(made.run())
    while not made.address:
        await asyncio.sleep(0.01)
    yield made
    serving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await serving


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": "Bearer read-token"}, 200),
        ({"Authorization": "bearer read-token "}, 200),
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Basic read-token"}, 401),
        ({"Authorization": "Bearer read-token", "Host": "rebind.example"}, 421),
        ({"Authorization": "Bearer read-token", "Origin": "http://evil.example"}, 421),
    ],
)
async def test_who_is_answered(endpoint, headers, status):
    async with aiohttp.ClientSession() as http, http.get(f"http://{endpoint.address}/metrics", headers=headers) as got:
        assert got.status == status
        assert ("seawall_up" in await got.text()) == (status == 200)
