"""A link made by the command line opens in the console, against a collector that really listens."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from collector.service import CollectorService
from collector.settings import CollectorSettings
from proxy.collector_link import CollectorLink
from proxy.enrolment.kit import HandedFile
from proxy.enrolment.link import Offering, link_for

TOKENS = ("gateway-token-0123", "reading-token-0123", "administrators-0123")
OFFERING = Offering("phone", [HandedFile("a.conf", b"\x00one", "text/plain", "x")], {"dot": "y"}, timedelta(minutes=5))


async def test_what_was_offered_is_what_the_device_gets(tmp_path: Path) -> None:
    settings = CollectorSettings(f"sqlite:///{tmp_path}/collector.sqlite", *TOKENS, port=0)
    async with CollectorService(settings) as service:
        url = await link_for(OFFERING, CollectorLink(service.url, TOKENS[2]))
        found = re.fullmatch(r"(.*)/enrol\?code=([\w-]{32})", url)
        assert found and found[1] == service.url
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
            await browser.post(f"{service.url}/enrol", data={"code": found[2]})
            async with browser.get(f"{service.url}/enrol/files/a.conf") as answer:
                assert await answer.read() == b"\x00one"
        with pytest.raises(ConnectionError, match=r"gave no link \(HTTP 403\)"):
            await link_for(OFFERING, CollectorLink(service.url, TOKENS[1]))
    with pytest.raises(ConnectionError, match="does not answer: see `seawall status`"):
        await link_for(OFFERING, CollectorLink(service.url, TOKENS[2]))
