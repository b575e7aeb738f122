"""Apps that pin: listed with device, host, JA4, end and gateway; cleared one by one or all, by those who may."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from collector.accounts.tokens import make_token
from collector.console import pin_pages
from collector.web.access import Scope
from collector.web.parts import PARTS
from tests.collector.conftest import ADMIN, GATEWAY, NOW, READ
from tests.collector.console.test_pages import STATUS, Markup, get
from tests.support.hostile import HOSTILE

PATH = "/system/pins"


def pin(host: str, hours: float = 9, **more: str) -> dict[str, str]:
    until = (NOW + timedelta(hours=hours)).isoformat()
    return {"device": "dev/phone", "name": "Mira's phone", "host": host, "ja4": "t13d1516", "until": until} | more


async def tell(running, *pins: dict[str, str], gateway: str = "gw-1", more: int = 0) -> None:
    body = {**STATUS, "gateway": gateway, "name": f"name of {gateway}", "pinned": pins, "pins": len(pins) + more}
    status, answer, _ = await running.ask("POST", "/api/v1/gateways/status", GATEWAY, json=body)
    assert status == 204, answer


async def post(running, token: str = ADMIN, **data: str) -> tuple[int, str]:
    status, _, headers = await running.ask("POST", PATH, token, data=data, allow_redirects=False)
    return status, headers.get("Location", "")


async def told(running, gateway: str) -> list[dict[str, str]]:
    path = f"/api/v1/policy?after=0&wait=0&gateway={gateway}"
    return [change["body"] for change in (await running.ask("GET", path, GATEWAY))[1]["changes"]]


async def test_none_is_said_in_words(running):
    await running.ask("POST", "/api/v1/gateways/status", GATEWAY, json=STATUS)
    page = await get(running, PATH)
    assert "No app has refused" in page
    assert "Clear all" not in page
    assert 'href="/system/pins">0 passed undecrypted' in await get(running, "/system")


async def test_they_are_listed_the_longest_first_until_they_expire(running):
    await tell(running, pin("late.example", 20), pin("soon.example", 1))
    await tell(running, pin("middle.example", 9, name=""), gateway="gw-2", more=3)
    page = await get(running, PATH)
    assert re.findall(r"\w+\.example", re.sub(r"(?s)<form.*?</form>", "", page)) == [
        "late.example", "middle.example", "soon.example",
    ]  # fmt: skip
    for words in ("Mira&#39;s phone", "dev/phone", "t13d1516", "2026-11-23 13:00:00", "name of gw-2", "3 more are"):
        assert words in page
    assert "6 passed undecrypted" in page
    assert "<button" not in page.split("r-pins")[1], "a viewer may look"
    assert "soon.example" not in await get(running, f"{PATH}?q=LATE")
    assert "No app fits" in await get(running, f"{PATH}?q=nothing")
    running.clock.advance(hours=2)
    page = await get(running, PATH)
    assert "soon.example" not in page
    assert "silent" in page


async def test_a_long_list_is_cut_and_says_so(running, monkeypatch):
    monkeypatch.setattr(pin_pages, "_ROWS", 2)
    await tell(running, *(pin(f"h{n}.example") for n in range(5)))
    page = await get(running, PATH)
    assert "3 more fit" in page
    assert "h2.example" not in page


async def test_one_is_cleared_at_its_gateway_alone(running):
    for gateway in ("gw-1", "gw-2"):
        await tell(running, pin("bank.example"), pin("other.example"), gateway=gateway)
    asked = {"what": "one", "gateway": "gw-1", "device": "dev/phone", "host": "bank.example", "ja4": "t13d1516"}
    assert await post(running, **asked) == (303, f"{PATH}?done=pin-gone")
    (body,) = await told(running, "gw-1")
    named = {name: body[name] for name in ("gateway", "device", "host", "ja4", "until")}
    assert named == {name: asked[name] for name in ("gateway", "device", "host", "ja4")} | {
        "until": pin("bank.example")["until"]
    }
    assert await told(running, "gw-2") == []
    _, page, _ = await running.ask("GET", f"{PATH}?done=pin-gone", ADMIN)
    assert "Cleared." in page
    assert page.count("being cleared") == 1, "until the gateway tells that it is gone"
    assert page.count('value="one"') == 3
    await tell(running, pin("bank.example", 10))
    _, page, _ = await running.ask("GET", PATH, ADMIN)
    assert "being cleared" not in page, "learnt anew"
    _, log, _ = await running.ask("GET", "/api/v1/audit?what=pin", ADMIN)
    assert [(entry["what"], entry["target"]) for entry in log["value"]] == [("pin.clear", "bank.example")]
    await tell(running)
    assert (await post(running, **asked))[0] == 404


async def test_all_are_cleared_up_to_the_last_that_was_shown(running):
    await tell(running, pin("a.example", 1), pin("b.example", 5))
    await tell(running, pin("c.example", 2), gateway="gw-2")
    await tell(running, gateway="gw-3")
    assert (await post(running, what="all"))[0] == 303
    for gateway, hours in (("gw-1", 5), ("gw-2", 2)):
        (body,) = await told(running, gateway)
        assert body["until"] == (NOW + timedelta(hours=hours)).isoformat()
        assert (body["device"], body["host"], body["ja4"]) == ("", "", "")
    assert await told(running, "gw-3") == []


async def test_who_may_not_clears_nothing(running):
    await tell(running, pin("a.example"))
    assert (await post(running, what="everything"))[0] == 400
    assert (await post(running, READ, what="all"))[0] == 403
    database = running.service._app[PARTS].database
    weak = await make_token(database, "weak", [Scope.READ, Scope.MACHINES_WRITE], "mira", NOW)
    assert (await post(running, weak, what="all"))[0] == 403
    async with await running.log_in() as browser:
        async with browser.post(running.url + PATH, data={"what": "all"}, allow_redirects=False) as answer:
            assert answer.status == 403, "no CSRF token"
        async with browser.get(running.url + PATH) as answer:
            csrf = re.search(r'name="csrf" value="(\w+)"', await answer.text())
        assert csrf
        assert await told(running, "gw-1") == []
        data = {"what": "all", "csrf": csrf[1]}
        async with browser.post(running.url + PATH, data=data, allow_redirects=False) as answer:
            assert answer.status == 303
    assert len(await told(running, "gw-1")) == 1
    analyst = await make_token(database, "analyst", [Scope.INDICATORS_WRITE], "mira", NOW)
    assert (await post(running, analyst, what="all"))[0] == 303


@pytest.mark.parametrize("text", HOSTILE)
async def test_no_text_becomes_markup(running, text):
    await tell(running, pin(text, name=text, ja4=text, device=text))
    _, page, _ = await running.ask("GET", PATH, ADMIN)
    found = Markup(page)
    assert not set(found.tags) & {"img", "textarea", "iframe"}
    assert not [key for key, _ in found.attributes if key.startswith("on") or key in ("style", "autofocus")]
    assert found.tags.count("script") == 1
    assert (await post(running, what="one", gateway="gw-1", device=text, host=text, ja4=text))[0] == 303
    assert [body["host"] for body in await told(running, "gw-1")] == [text.replace("\0", "\ufffd")], (
        "a NUL is never kept"
    )
