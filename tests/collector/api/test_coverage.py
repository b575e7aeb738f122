"""Coverage over the API, and as a card on the device's page: told by gateways, read by people, gone with the device."""

from __future__ import annotations

import pytest

from tests.collector.conftest import ADMIN, GATEWAY, READ
from tests.support.events import device_seen

PATH = "/api/machines/dev-phone/coverage"


def _report(score, protected, **more):
    return {"gateway": "gw", "devices": [{"device": "dev-phone", "score": score, "protected": protected, **more}]}


async def _tell(running, *args, **more):
    status, body, _ = await running.ask("POST", "/api/v1/coverage", GATEWAY, json=_report(*args, **more))
    assert status == 204, body


async def test_what_a_gateway_tells_is_shown_and_raises_an_alert(running):
    await running.deliver(device_seen("d"))
    assert (await running.ask("GET", PATH))[0] == 404
    await _tell(running, 100, True, last_dns="2026-11-23T11:59:00+00:00")
    status, found, _ = await running.ask("GET", PATH)
    assert (status, found["score"], found["protected"], found["unprotectedSince"]) == (200, 100, True, None)
    assert found["lastDns"] == "2026-11-23T11:59:00+00:00"
    await _tell(running, 45, False, reasons=["it goes <another> way"], signs={"other_vpns": 3})
    found = (await running.ask("GET", PATH))[1]
    assert (found["protected"], found["signs"]) == (False, {"other_vpns": 3})
    assert found["unprotectedSince"].startswith("2026-11-23T12:00")
    [alert] = (await running.ask("GET", "/api/alerts"))[1]["value"]
    assert (alert["title"], alert["severity"]) == ("This device is no longer protected", "Medium")
    assert (await running.ask("DELETE", "/api/machines/dev-phone", ADMIN))[0] == 204
    assert (await running.ask("GET", PATH))[0] == 404


@pytest.mark.parametrize("token", ["", READ])
async def test_only_gateways_tell(running, token):
    status, _, _ = await running.ask("POST", "/api/v1/coverage", token, json=_report(1, True))
    assert status in (401, 403)


@pytest.mark.parametrize(("body", "says"), [(b"{", "coverage: "), (b'{"gateway": ""}', "coverage: gateway: ")])
async def test_what_cannot_be_read_is_refused(running, body, says):
    status, found, _ = await running.ask("POST", "/api/v1/coverage", GATEWAY, data=body)
    assert status == 400
    assert says in str(found)


async def test_the_card_of_a_device_that_is_protected_shows_when_it_was_seen(running):
    await running.deliver(device_seen("d"))
    _, page, _ = await running.ask("GET", "/devices/dev-phone")
    assert "h-coverage" not in page, "nothing was told yet"
    await _tell(running, 100, True, in_tunnel=True, last_dns="2026-11-23T11:59:00+00:00")
    card = await _card(running)
    assert "100 of 100" in card
    assert "Seen as protected." in card
    assert "<dt>Last handshake</dt><dd>never</dd>" in card
    assert "2026-11-23T11:59" in card
    assert "<dt>Last connection</dt><dd>not lately</dd>" in card
    assert "Not protected since" not in card


async def test_the_card_of_one_that_is_not_says_why_and_since_when_and_reasons_are_text(running):
    await running.deliver(device_seen("d"))
    await _tell(running, 100, True)
    await _tell(running, 45, False, reasons=["it goes <b>another</b> way", "a second sign"])
    card = await _card(running)
    assert "45 of 100" in card
    assert "Signs say that it is not protected." in card
    assert "<li>it goes &lt;b&gt;another&lt;/b&gt; way</li><li>a second sign</li>" in card
    assert "<dt>Not protected since</dt>" in card
    assert "2026-11-23T12:00" in card
    assert "Last handshake" not in card, "it has no place in the tunnel"


async def _card(running) -> str:
    status, page, _ = await running.ask("GET", "/devices/dev-phone")
    assert status == 200
    return page.partition('aria-labelledby="h-coverage"')[2].partition("</section>")[0]
