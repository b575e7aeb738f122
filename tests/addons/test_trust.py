from __future__ import annotations

import asyncio

from addons.ca_memory import REFUSAL_LASTS, CaMemory
from indicators.observation import Device
from indicators.settings import PolicySettings
from tests.addons.conftest import Start
from tests.support.browsing import fetch, line
from tests.support.inspecting import TestPolicy
from tests.support.sights import indicator

EVIL = indicator("evil.test")
ONE, TWO = Device("one", "one"), Device("two", "two")


async def test_a_page_that_was_shown_makes_its_device_a_trusting_one_told_once(start: Start) -> None:
    gateway, site = await start(EVIL)
    for path in "/1", "/2":
        await fetch(f"https://evil.test:{site.https_port}{path}", http=gateway.http, trust=gateway.ca)
    assert [device.id for device in gateway.told] == ["client"]


async def test_a_handshake_alone_or_plain_http_shows_no_trust(start: Start) -> None:
    gateway, site = await start(EVIL)
    async with line(f"https://evil.test:{site.https_port}/", http=gateway.http, trust=gateway.ca):
        pass
    await fetch(f"http://evil.test:{site.http_port}/", http=gateway.http)
    async with line(f"https://good.test:{site.https_port}/", http=gateway.http, trust=site.certificate) as opened:
        await opened.ask()
    assert gateway.told == []


async def test_what_could_not_be_told_is_told_the_next_time(start: Start) -> None:
    tries: list[Device] = []

    async def trust(device: Device) -> None:
        tries.append(device)
        if len(tries) == 1:
            raise RuntimeError("the gateway did not answer")

    gateway, site = await start(EVIL, trust=trust)
    async with asyncio.timeout(20):
        while len(tries) < 2:
            await fetch(f"https://evil.test:{site.https_port}/", http=gateway.http, trust=gateway.ca)
    await fetch(f"https://evil.test:{site.https_port}/", http=gateway.http, trust=gateway.ca)
    assert len(tries) == 2


def memory() -> tuple[CaMemory, TestPolicy, list[float]]:
    policy, now = TestPolicy(PolicySettings()), [0.0]
    return CaMemory(policy, lambda: now[0]), policy, now


def test_a_refusal_counts_for_the_whole_device_until_it_shows_trust() -> None:
    known, _, now = memory()
    known.refused(ONE, "a.test")
    assert known.refuses(ONE, "b.test")
    assert not known.refuses(TWO, "a.test")
    now[0] = REFUSAL_LASTS
    assert not known.refuses(ONE, "b.test")
    known.refused(ONE, "a.test")
    assert known.accepted(ONE, "b.test")
    assert not known.refuses(ONE, "b.test")
    assert not known.accepted(ONE, "b.test")


def test_on_a_trusting_device_it_counts_for_that_host_only() -> None:
    known, policy, _ = memory()
    policy.trusted.add("one")
    assert known.trusts(ONE)
    known.refused(ONE, "pinned.test")
    assert known.refuses(ONE, "pinned.test")
    assert not known.refuses(ONE, "other.test")
    known.forget_refusals(ONE)
    assert not known.refuses(ONE, "pinned.test")


def test_the_memory_is_bounded() -> None:
    known, policy, _ = memory()
    policy.trusted.add("one")
    for number in range(9000):
        known.refused(ONE, f"{number}.test")
    assert not known.refuses(ONE, "0.test")
    assert known.refuses(ONE, "8999.test")
