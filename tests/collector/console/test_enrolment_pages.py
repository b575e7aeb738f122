"""A person opens a link on the device: once, in time, and gets files that the platform opens."""

from __future__ import annotations

import base64
from dataclasses import replace

import aiohttp
import pytest

from collector.service import CollectorService
from collector.settings import Onboarding
from tests.collector.conftest import ADMIN, Running

MEDIA = {
    "phone.conf": "text/plain",
    "phone-ios.mobileconfig": "application/x-apple-aspen-config",
    "qr.svg": "image/svg+xml",
}
FILES = [
    {"name": name, "media": media, "purpose": f"for {name}", "body": base64.b64encode(name.encode()).decode()}
    for name, media in MEDIA.items()
]
OFFER = {"device": "Anna's <phone>", "files": FILES, "lines": {"doh": "https://dns.test/dns-query/x"}, "seconds": 600}


async def link(running: Running) -> str:
    _, body, _ = await running.ask("POST", "/api/v1/enrolments", ADMIN, json=OFFER)
    return str(body["url"]).removeprefix(running.url)


async def test_a_link_is_opened_once_and_gives_its_files(running):
    path = await link(running)
    code = path.partition("=")[2]
    for _ in range(2):
        status, page, _ = await running.ask("GET", path, "")
        assert (status, "Set up Anna&#39;s &lt;phone&gt;" in page) == (200, True)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        async with browser.post(f"{running.url}/enrol", data={"code": code}, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "/enrol/files")
            assert {"HttpOnly", "SameSite=Strict", "Path=/enrol"} <= set(answer.headers["Set-Cookie"].split("; "))
        async with browser.get(f"{running.url}/enrol/files") as answer:
            page = await answer.text()
        for part in ('href="/enrol/files/phone.conf"', 'src="/enrol/files/qr.svg"', "https://dns.test/dns-query/x"):
            assert part in page
        for name, media in MEDIA.items():
            async with browser.get(f"{running.url}/enrol/files/{name}") as answer:
                assert (answer.content_type, await answer.read()) == (media, name.encode())
                assert ("Content-Disposition" in answer.headers) == (name == "phone.conf")
                assert answer.headers["Cache-Control"] == "no-store"
        assert (await browser.get(f"{running.url}/enrol/files/other")).status == 404
        running.clock.advance(minutes=15)
        assert (await browser.get(f"{running.url}/enrol/files")).status == 404
    for again in (running.ask("GET", path, ""), running.ask("POST", "/enrol", "", data={"code": code})):
        status, page, _ = await again
        assert (status, "used already or is too old" in page) == (404, True)


async def test_a_link_ends_with_its_time_and_files_need_its_opener(running):
    path = await link(running)
    assert (await running.ask("GET", "/enrol/files/phone.conf", ""))[0] == 404
    running.clock.advance(minutes=10)
    assert (await running.ask("GET", path, ""))[0] == 404
    assert (await running.ask("POST", "/enrol", "", data={"code": path.partition("=")[2]}))[0] == 404
    assert (await running.ask("GET", "/enrol", ""))[0] == 404


@pytest.fixture
async def beside(collector_settings, clock):
    files = {"proxy.pac": lambda host: (host.encode(), "application/x-ns-proxy-autoconfig")}
    made = Onboarding(
        page=lambda agent: (f"<p>{agent}</p>", "default-src 'none'; connect-src http://x.test"), files=files
    )
    settings = replace(collector_settings, onboarding=made)
    async with CollectorService(settings, clock) as service, aiohttp.ClientSession() as http:
        yield Running(service, http, clock)


async def test_the_onboarding_page_is_there_beside_a_gateway(beside):
    status, page, headers = await beside.ask("GET", "/onboarding", "", headers={"User-Agent": "me"})
    assert (status, page) == (200, "<p>me</p>")
    assert headers["Content-Security-Policy"] == "default-src 'none'; connect-src http://x.test"
    status, body, headers = await beside.ask("GET", "/onboarding/proxy.pac", "")
    assert (status, body) == (200, f"127.0.0.1:{beside.service.port}")
    assert headers["Content-Type"] == "application/x-ns-proxy-autoconfig"
    assert (await beside.ask("GET", "/onboarding/other", ""))[0] == 404


async def test_apart_from_a_gateway_it_says_where_the_page_is(running):
    status, page, _ = await running.ask("GET", "/onboarding", "")
    assert (status, "http://seawall.internal/" in page) == (404, True)
