"""The collector's metrics: numbers that follow what happens, for a token, without a destination or device in them."""

from __future__ import annotations

from dataclasses import replace

from prometheus_client.parser import text_string_to_metric_families

from collector.accounts.tokens import make_token
from collector.outputs.settings import Format, OutputSettings
from collector.service import CollectorService
from collector.web.access import Scope
from collector.web.parts import PARTS
from tests.collector.conftest import GATEWAY, NOW, READ, Running
from tests.support.events import verdict
from tests.support.hostile import HOSTILE


def samples(text: str) -> dict[tuple[str, tuple[str, ...]], float]:
    found = text_string_to_metric_families(text)
    return {(s.name, tuple(s.labels.values())): s.value for family in found for s in family.samples}


async def test_numbers_follow_what_happens(running):
    await running.deliver(verdict(), verdict("other", host="other.example"))
    status, text, headers = await running.ask("GET", "/metrics")
    assert status == 200
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
    found = samples(text)
    assert found["seawall_collector_events_total", ("gw-1",)] == 2
    assert found["seawall_collector_open_alerts", ("informational",)] == 2
    assert found["seawall_collector_devices", ("active",)] == 1
    assert found["process_resident_memory_bytes", ()] > 0
    assert "example" not in text
    assert "phone" not in text


async def test_hostile_names_of_gateways_forge_no_line(running):
    texts = [text.replace("\0", "\ufffd") for text in HOSTILE]
    await running.deliver(*(verdict(f"v{i}", gateway=text) for i, text in enumerate(HOSTILE)))
    found = samples((await running.ask("GET", "/metrics"))[1])
    assert {labels[0] for name, labels in found if name == "seawall_collector_events_total"} == set(texts)
    assert {name for name, _ in found if not name.startswith(("seawall_collector_", "process_", "python_"))} == set()


async def test_who_may_read_them(running):
    database = running.service._app[PARTS].database
    token = await make_token(database, "prometheus", [Scope.METRICS], "mira", NOW)
    other = await make_token(database, "siem", [Scope.ALERTS_READ], "mira", NOW)
    wanted = {token: 200, READ: 200, other: 403, GATEWAY: 403, "": 401}
    for shown, status in wanted.items():
        assert (await running.ask("GET", "/metrics", shown))[0] == status


async def test_deliveries_are_shown(collector_settings, clock):
    output = OutputSettings("soc", "http://127.0.0.1:9/", Format.JSON)
    service = CollectorService(replace(collector_settings, outputs=(output,)), clock)
    import asyncio

    import aiohttp

    async with service, aiohttp.ClientSession() as http:
        running = Running(service, http, clock)
        async with asyncio.timeout(20):
            while ("seawall_collector_output_waiting", ("soc",)) not in samples(
                (await running.ask("GET", "/metrics"))[1]
            ):
                await asyncio.sleep(0.02)
            await running.deliver(verdict())
            while not samples((await running.ask("GET", "/metrics"))[1])[
                "seawall_collector_output_failed_total", ("soc",)
            ]:
                await asyncio.sleep(0.02)
        assert samples((await running.ask("GET", "/metrics"))[1])["seawall_collector_output_waiting", ("soc",)] == 1
