"""Apps that refuse our certificate, with real handshakes: what is pinned, what never is, and what follows."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

import pytest

from addons.refusals import App
from indicators.indicator import Indicator
from indicators.inspection import InspectLists
from indicators.observation import Device
from indicators.words import Action, Enforcement
from tests.addons.conftest import Start
from tests.support.browsing import fetch, line
from tests.support.inspecting import Inspecting
from tests.support.origin import Origin
from tests.support.sights import indicator

LISTS = InspectLists.of(["good.test"], [])
URL = indicator("mixed.test/bad")


class Pins:
    """What the supervisor does with pins."""

    def __init__(self) -> None:
        self.known: set[App] = set()
        self.opened: list[str] = []
        self.failures = 0  # tellings that are to fail
        self.told = 0

    async def pin(self, device: Device, app: App) -> None:
        assert device.id == app.device
        self.told += 1
        if self.told <= self.failures:
            raise RuntimeError("the supervisor is gone")
        self.known.add(app)

    def services(self) -> dict[str, Any]:
        return {
            "lists": LISTS,
            "pin": self.pin,
            "pinned": self.known.__contains__,
            "opened": lambda device, why: self.opened.append(why),
        }


async def begin(start: Start, *indicators: Indicator, **more: Any) -> tuple[Inspecting, Origin, Pins]:
    pins = Pins()
    gateway, site = await start(*indicators, **{**pins.services(), **more})
    gateway.trust()
    return gateway, site, pins


async def refuse(gateway: Inspecting, site: Origin, host: str) -> None:
    """Behave as an app that trusts only its own server's certificate."""
    with pytest.raises(ssl.SSLCertVerificationError):
        await fetch(f"https://{host}:{site.https_port}/", http=gateway.http, trust=site.certificate)


async def passes(gateway: Inspecting, site: Origin, host: str) -> bool:
    try:
        await fetch(f"https://{host}:{site.https_port}/", http=gateway.http, trust=site.certificate)
    except ssl.SSLCertVerificationError:
        return False
    return True


async def until(what: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not what():
            await asyncio.sleep(0.01)


async def test_an_app_that_refuses_twice_is_passed_with_its_own_servers_certificate(start: Start) -> None:
    gateway, site, pins = await begin(start)
    await refuse(gateway, site, "good.test")
    await refuse(gateway, site, "good.test")
    await until(lambda: pins.known)
    assert await passes(gateway, site, "good.test")
    assert pins.opened == ["inspect: good.test"] * 2
    (app,) = pins.known
    assert (app.device, app.host, app.ja4[:4]) == ("client", "good.test", "t13d")
    pins.known.clear()  # it has expired, or was cleared: tried anew
    await refuse(gateway, site, "good.test")


async def test_an_app_that_once_took_our_certificate_is_never_pinned(start: Start) -> None:
    gateway, site, pins = await begin(start)
    await fetch(f"https://good.test:{site.https_port}/", http=gateway.http, trust=gateway.ca)
    for _ in range(3):
        await refuse(gateway, site, "good.test")
    assert not pins.known


async def test_a_close_right_after_the_handshake_counts_as_a_refusal(start: Start) -> None:
    gateway, site, pins = await begin(start)
    for _ in range(2):
        async with line(f"https://good.test:{site.https_port}/", http=gateway.http, trust=gateway.ca):
            pass
    await until(lambda: pins.known)


@pytest.mark.parametrize("action", [Action.BLOCK, Action.WARN])
async def test_a_host_that_is_stopped_is_never_passed_by_refusing(start: Start, action: Action) -> None:
    gateway, site, pins = await begin(start, indicator("evil.test", action))
    await refuse(gateway, site, "evil.test")
    for _ in range(3):
        with pytest.raises((ssl.SSLError, ConnectionError, Exception)) as caught:
            await fetch(f"https://evil.test:{site.https_port}/", http=gateway.http, trust=site.certificate)
        assert not isinstance(caught.value, AssertionError)
    assert not pins.known
    assert site.connections == 0
    assert pins.opened == ["evil.test"]


async def test_a_host_with_listed_urls_stays_inspected_unless_the_policy_says_otherwise(start: Start) -> None:
    gateway, site, pins = await begin(start, URL)
    await refuse(gateway, site, "mixed.test")
    await refuse(gateway, site, "mixed.test")
    await until(lambda: pins.known)
    assert not await passes(gateway, site, "mixed.test"), "malware could else unlock its own host"
    assert set(pins.opened) == {"URLs on mixed.test"}


async def test_with_pinning_splice_it_passes_and_is_told(start: Start) -> None:
    gateway, site, pins = await begin(start, URL, splices_pinned=True)
    await refuse(gateway, site, "mixed.test")
    await refuse(gateway, site, "mixed.test")
    await until(lambda: pins.known)
    assert await passes(gateway, site, "mixed.test")
    ((_, seen, verdict, done),) = gateway.reports.events
    assert (seen.destination, verdict.action, done) == ("mixed.test", Action.AUDIT, Enforcement.PASSED)
    assert "refuses our certificate" in verdict.reason


async def test_what_could_not_be_told_is_told_at_the_next_refusal(start: Start) -> None:
    gateway, site, pins = await begin(start)
    pins.failures = 1
    await refuse(gateway, site, "good.test")
    await refuse(gateway, site, "good.test")
    await until(lambda: pins.told)
    await refuse(gateway, site, "good.test")
    await refuse(gateway, site, "good.test")
    await until(lambda: pins.known)
