"""The *ask for access* button through a real mitmproxy: only a person who has seen the page can ask, and it is told."""

from __future__ import annotations

import html
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from addons import waivers
from addons.asking import Asking
from addons.enforcement import ASK_PATH
from indicators.words import Action
from tests.addons.conftest import Start
from tests.addons.test_continuing import NAVIGATION
from tests.support.browsing import Answer, Line, fetch, line
from tests.support.sights import CUSTOM, indicator

BLOCKED = indicator("evil.test")
WARNED = indicator("warned.test", Action.WARN, CUSTOM)


class Desk:
    """Take what is asked; `answer` is the status, or what goes wrong."""

    def __init__(self, answer: str | Exception = "pending") -> None:
        self.asked: list[Asking] = []
        self._answer = answer

    async def __call__(self, asking: Asking) -> str:
        self.asked.append(asking)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def ask_token(page: Answer) -> str:
    found = re.search(rf'action="{ASK_PATH}">.*?name="token" value="([^"]+)"', page.text, re.DOTALL)
    assert found
    return html.unescape(found[1])


async def post(opened: Line, token: str, *, note: str = "", path: str = ASK_PATH, **headers: str) -> Answer:
    given = {"Content-Type": "application/x-www-form-urlencoded", **NAVIGATION, **headers}
    return await opened.ask(path, "POST", given, urlencode({"token": token, "note": note}).encode())


@pytest.mark.parametrize("indicator", [BLOCKED, WARNED])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_person_asks_from_the_page(start: Start, scheme: str, indicator: Any) -> None:
    desk = Desk()
    gateway, site = await start(indicator, ask=desk)
    url = f"{scheme}://{indicator.value}:{getattr(site, f'{scheme}_port')}/a"
    page = await fetch(url, http=gateway.http, trust=gateway.ca)
    async with line(url, http=gateway.http, trust=gateway.ca) as opened:
        answer = await post(opened, ask_token(page), note="for <work>" + "x" * 2000)
    assert (answer.status, "Your request was handed in" in answer.text) == (200, True)
    [asking] = desk.asked
    assert (asking.consent.host, asking.consent.incident) == (indicator.value, "INC-1")
    assert asking.device == gateway.policy.seen[0].device
    assert (asking.note[:10], len(asking.note)) == ("for <work>", 1000)
    assert (site.connections, gateway.consents) == (0, [])  # asking allows nothing
    assert (await fetch(url, http=gateway.http, trust=gateway.ca)).status == 403


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        ("approved", 200, "approved already"),
        ("denied", 200, "refused"),
        ("whatever", 200, "handed in"),
        (RuntimeError("the collector is away"), 503, "could not be handed in"),
        (ValueError("too many"), 409, "too many"),
    ],
)
async def test_what_became_of_it_is_said(start: Start, answer: str | Exception, status: int, said: str) -> None:
    gateway, site = await start(BLOCKED, ask=Desk(answer))
    url = f"http://evil.test:{site.http_port}/"
    page = await fetch(url, http=gateway.http)
    async with line(url, http=gateway.http) as opened:
        found = await post(opened, ask_token(page))
    assert found.status == status
    assert said in found.text


async def test_without_somebody_to_ask_there_is_no_button(start: Start) -> None:
    gateway, site = await start(BLOCKED)
    url = f"http://evil.test:{site.http_port}/"
    assert "Ask for access" not in (await fetch(url, http=gateway.http)).text
    async with line(url, http=gateway.http) as opened:
        assert (await post(opened, "x")).status == 403


type Forge = Callable[[Line, str], Awaitable[Answer]]


async def _from_elsewhere(opened: Line, token: str) -> Answer:
    return await post(opened, token, **{"Sec-Fetch-Site": "cross-site"})


async def _changed(opened: Line, token: str) -> Answer:
    return await post(opened, "A" + token[1:])


async def _as_consent(opened: Line, token: str) -> Answer:
    """A form that asks is none by which a person continues."""
    return await post(opened, token, path=waivers.PATH)


async def _by_get(opened: Line, token: str) -> Answer:
    return await opened.ask(f"{ASK_PATH}?token={token}")


async def _empty(opened: Line, token: str) -> Answer:
    return await opened.ask(ASK_PATH, "POST", dict(NAVIGATION))


@pytest.mark.parametrize(
    ("forge", "status"), [(_from_elsewhere, 403), (_changed, 409), (_as_consent, 409), (_by_get, 405), (_empty, 413)]
)
async def test_what_is_no_persons_form_asks_nothing(start: Start, forge: Forge, status: int) -> None:
    desk = Desk()
    gateway, site = await start(WARNED, ask=desk)
    url = f"http://warned.test:{site.http_port}/"
    token = ask_token(await fetch(url, http=gateway.http))
    async with line(url, http=gateway.http) as opened:
        assert (await forge(opened, token)).status == status
    assert (desk.asked, gateway.consents, site.requests) == ([], [], [])


@pytest.mark.parametrize(("educate_url", "shown"), [("https://evil.test/why", False), ("https://help.test/why", True)])
async def test_the_pages_own_links_never_lead_into_a_block(start: Start, educate_url: str, shown: bool) -> None:
    from dataclasses import replace

    gateway, site = await start(replace(BLOCKED, educate_url=educate_url))
    page = await fetch(f"http://evil.test:{site.http_port}/", http=gateway.http)
    assert (educate_url in page.text) is shown
