from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from addons import waivers
from indicators.indicator import Indicator
from indicators.words import Action, Enforcement, IndicatorType
from tests.addons.conftest import Start
from tests.support.browsing import Answer, Line, fetch, line
from tests.support.sights import CUSTOM, indicator

WARNED = indicator("warned.test", Action.WARN, CUSTOM)
NAVIGATION = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


def token_of(page: Answer) -> str:
    found = re.search(r'name="token" value="([^"]+)"', page.text)
    assert found
    return html.unescape(found[1])


async def post(opened: Line, token: str, headers: dict[str, str] | None = None, host: str | None = None) -> Answer:
    given = {"Content-Type": "application/x-www-form-urlencoded", **(NAVIGATION if headers is None else headers)}
    return await opened.ask(waivers.PATH, "POST", given, f"token={token}".encode(), host=host)


async def test_a_person_continues_over_tls_and_then_meets_the_site_itself(start: Start) -> None:
    gateway, site = await start(WARNED)
    url = f"https://warned.test:{site.https_port}/a?b=c"
    page = await fetch(url, http=gateway.http, trust=gateway.ca)
    assert page.status == 403
    assert "Continue anyway" in page.text
    assert site.connections == 0
    async with line(url, http=gateway.http, trust=gateway.ca) as opened:
        answer = await post(opened, token_of(page))
    assert (answer.status, answer.headers["location"]) == (303, "/a?b=c")
    assert (site.connections, gateway.resolver.asked) == (0, [])
    async with line(url, http=gateway.http, trust=site.certificate) as again:
        assert again.certificate == site.der
        assert (await again.ask("/a?b=c")).status == 200
    assert gateway.reports.done[0] == ("warned.test", Enforcement.PAGE)
    assert ("warned.test", Enforcement.WAIVED) in gateway.reports.done
    [consent] = gateway.consents
    assert (consent.host, consent.indicator, consent.incident) == ("warned.test", "warned.test", "INC-1")


async def test_over_plain_http_the_origin_header_vouches(start: Start) -> None:
    gateway, site = await start(WARNED)
    url = f"http://warned.test:{site.http_port}/x"
    async with line(url, http=gateway.http) as opened:
        token = token_of(await opened.ask("/x"))
        assert (await post(opened, token, {})).status == 403
    async with line(url, http=gateway.http) as opened:
        assert (await post(opened, token, {"Origin": "http://other.test"})).status == 403
    async with line(url, http=gateway.http) as opened:
        own = {"Origin": f"http://warned.test:{site.http_port}"}
        assert (await post(opened, token, own)).status == 303
    assert (await fetch(url, http=gateway.http)).status == 200
    assert site.paths == ["/x"]


async def test_a_form_is_good_once(start: Start) -> None:
    gateway, site = await start(WARNED)
    url = f"http://warned.test:{site.http_port}/x"
    token = token_of(await fetch(url, http=gateway.http))
    for status in 303, 409:
        async with line(url, http=gateway.http) as opened:
            answer = await post(opened, token)
            assert answer.status == status
    assert "used before" in answer.text


@pytest.mark.parametrize("trick", ["late", "forged", "other host", "nothing"])
async def test_a_form_that_does_not_fit_is_refused_and_nothing_is_waived(start: Start, trick: str) -> None:
    gateway, site = await start(WARNED, indicator("other.test", Action.WARN, CUSTOM))
    url = f"http://warned.test:{site.http_port}/x"
    token = token_of(await fetch(url, http=gateway.http))
    if trick == "late":
        gateway.now[0] += timedelta(minutes=6)
    elif trick == "forged":
        token = ("A" if token[0] != "A" else "B") + token[1:]
    elif trick == "nothing":
        token = ""
    else:
        url = f"http://other.test:{site.http_port}/x"
    async with line(url, http=gateway.http) as opened:
        assert (await post(opened, token)).status == 409
    assert (gateway.consents, site.connections) == ([], 0)
    assert (await fetch(url, http=gateway.http)).status == 403


@pytest.mark.parametrize(
    ("method", "body", "status"),
    [("GET", b"", 405), ("POST", b"", 413), ("POST", b"x" * 20_000, 413), ("PUT", b"a", 405)],
)
async def test_the_path_is_ours_on_every_host(start: Start, method: str, body: bytes, status: int) -> None:
    gateway, site = await start()
    answer = await fetch(
        f"http://good.test:{site.http_port}{waivers.PATH}", http=gateway.http, method=method, body=body
    )
    assert (answer.status, site.connections) == (status, 0)


async def test_a_block_cannot_be_continued_past(start: Start) -> None:
    gateway, site = await start(replace(WARNED, action=Action.BLOCK))
    page = await fetch(f"http://warned.test:{site.http_port}/", http=gateway.http)
    assert "token" not in page.text


async def test_a_warned_address_can_be_continued_to(start: Start) -> None:
    gateway, site = await start(Indicator("127.0.0.1", IndicatorType.IP, Action.WARN, CUSTOM))
    url = f"http://good.test:{site.http_port}/x"
    token = token_of(await fetch(url, http=gateway.http))
    async with line(url, http=gateway.http) as opened:
        assert (await post(opened, token)).status == 303
    assert (await fetch(url, http=gateway.http)).status == 200
    _, _, verdict, done = gateway.reports.events[1]
    assert (done, "127.0.0.1" in verdict.reason) == (Enforcement.WAIVED, True)


async def test_a_waiver_that_cannot_be_put_in_force_is_said(start: Start) -> None:
    async def fails(consent: waivers.Consent) -> None:
        raise RuntimeError("the gateway did not answer")

    gateway, site = await start(WARNED, waive=fails)
    url = f"http://warned.test:{site.http_port}/x"
    token = token_of(await fetch(url, http=gateway.http))
    async with line(url, http=gateway.http) as opened:
        answer = await post(opened, token)
    assert (answer.status, "did not answer" in answer.text) == (409, True)
    assert site.connections == 0


async def test_a_failure_inside_never_sends_the_form_to_the_site(start: Start) -> None:
    async def fails(consent: waivers.Consent) -> None:
        raise KeyError("unforeseen")

    gateway, site = await start(WARNED, waive=fails)
    url = f"http://warned.test:{site.http_port}/x"
    token = token_of(await fetch(url, http=gateway.http))
    async with line(url, http=gateway.http) as opened:
        assert (await post(opened, token)).status == 403
    assert site.connections == 0
