"""The self-test tells apart what a device's connections really showed: red is red."""

from __future__ import annotations

import json
import ssl
from typing import Any

import pytest

from addons.self_test import SelfTest, word_of
from tests.addons.conftest import Start
from tests.support.browsing import fetch, line
from tests.support.inspecting import Inspecting, device_of
from tests.support.sights import indicator

PHISHING = indicator("smartscreentestratings2.net")


def at(kind: str, word: str = "0f1e") -> str:
    return f"{word}.{kind}.check.seawall.internal"


async def ask(gateway: Inspecting, url: str, **more: Any) -> dict[str, Any]:
    answer = await fetch(url, http=gateway.http, **more)
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, "*")
    return json.loads(answer.body)


async def test_a_device_without_the_ca_has_names_and_connections_only(start: Start) -> None:
    gateway, _ = await start(PHISHING)
    assert (await ask(gateway, f"http://{at('dns')}/"))["seen"] == ["dns"]
    with pytest.raises(ssl.SSLError):
        await fetch(f"https://{at('sni')}/", http=gateway.http)
    with pytest.raises(ssl.SSLError):
        await fetch(f"https://{at('url')}/", http=gateway.http)
    assert (await ask(gateway, f"http://{at('url')}/"))["seen"] == ["dns", "sni"], "plain HTTP shows no trust"
    assert (await ask(gateway, f"http://{at('dns')}/"))["seen"] == ["dns", "sni"]
    assert gateway.told == []
    assert (await ask(gateway, f"http://{at('dns', 'other')}/"))["seen"] == ["dns"]


async def test_the_request_under_our_ca_is_what_marks_the_device(start: Start) -> None:
    gateway, _ = await start(PHISHING)
    found = await ask(gateway, f"https://{at('url')}/", trust=gateway.ca)
    assert found["seen"] == ["url"]
    assert [device.id for device in gateway.told] == ["client"]


async def test_it_says_whether_anything_is_blocked(start: Start) -> None:
    gateway, _ = await start(PHISHING)
    assert (await ask(gateway, f"http://{at('dns')}/"))["blocking"] is True
    gateway.policy.use(())
    assert (await ask(gateway, f"http://{at('dns')}/"))["blocking"] is False
    assert gateway.reports.events == []


async def test_a_check_never_leads_anywhere_else(start: Start) -> None:
    gateway, site = await start(indicator("check.seawall.internal"))
    for host in (
        "check.seawall.internal",
        "dns.check.seawall.internal",
        at("http"),
        f"a.{at('dns')}",
        at("dns", "a-b"),
    ):
        assert (await fetch(f"http://{host}/", http=gateway.http)).status == 404
    async with line(
        f"https://good.test:{site.https_port}/", http=gateway.http, trust=gateway.ca, sni=at("url")
    ) as open_:
        assert (await open_.ask("/", host="good.test")).status == 421
    assert (site.requests, gateway.resolver.asked) == ([], ["good.test"])


@pytest.mark.parametrize(
    ("host", "word"),
    [(at("dns"), ("0f1e", "dns")), ("x.evil.test", ("", "")), ("0f1e.dns.check.seawall.internal.evil.test", ("", ""))],
)
def test_what_is_a_check(host: str, word: tuple[str, str]) -> None:
    assert word_of(host) == word


async def test_the_memory_is_bounded(start: Start) -> None:
    gateway, _ = await start()
    [checks] = [addon for addon in gateway.addons if isinstance(addon, SelfTest)]
    for number in range(1100):
        checks.answer(at("dns", f"{number}"), device_of("", ""), encrypted=False)
    assert len(checks._seen) == 1024
