"""Pages need a session, show what was kept, say what to do when there is nothing, and turn no text into markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import quote

import pytest

from indicators.event import Evidence
from indicators.observation import Device
from indicators.words import Action, Category
from tests.collector.conftest import GATEWAY
from tests.support.events import device_seen, repeat, verdict
from tests.support.hostile import HOSTILE

STATUS = {
    "gateway": "gw-1",
    "mode": "audit",
    "paused_until": "2026-11-23T12:05:00Z",
    "indicators": 1234567,
    "waiting_for_ca": 7,
    "feeds": [
        {"name": "urlhaus", "state": "fresh", "entries": 31822, "updated": "2026-11-23T11:00:00Z"},
        {"name": "openphish", "state": "failed", "error": "503 from publisher"},
    ],
    "errors": ["indicators.yaml:3: action: expected allow"],
    "endpoints": {"http_proxy": "127.0.0.1:9999"},
}


class Markup(HTMLParser):
    """Collect the elements and attributes that a browser would see."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


async def get(running, path: str) -> str:
    status, body, _ = await running.ask("GET", path)
    assert status == 200, body
    return body


async def test_empty_pages_say_what_to_do_next(running):
    overview = await get(running, "/")
    for step in ("seawall run", "seawall emulator attach", "smartscreentestratings2.net", "127.0.0.1:8080"):
        assert step in overview
    assert "No open alerts" in await get(running, "/alerts")
    assert "No alerts." in await get(running, "/alerts?show=all")
    assert "seawall emulator attach" in await get(running, "/devices")


async def test_the_overview_shows_gateway_feeds_and_errors(running):
    await running.ask("POST", "/api/v1/gateways/status", GATEWAY, json=STATUS)
    overview = await get(running, "/")
    for words in (
        "503 from publisher",
        "indicators.yaml:3",
        "Audit mode",
        "paused until",
        "127.0.0.1:9999",
        "31\u202f822",
    ):
        assert words in overview
    running.clock.advance(minutes=9)
    assert "silent, last heard" in await get(running, "/")
    await running.ask("POST", "/api/v1/gateways/status", GATEWAY, json={"gateway": "gw-1"})
    assert "No feeds are configured" in await get(running, "/")


async def test_what_was_met_is_shown(running):
    await running.deliver(verdict(), repeat("r", count=1199), device_seen("d", 40))
    overview = await get(running, "/")
    assert "evil.example" in overview
    assert "1\u202f200" in overview
    alert = re.search(r'href="(/alerts/al[0-9a-f]+)"', overview)
    assert alert
    detail = await get(running, alert[1])
    for words in ("https://evil.example/login", "inc-1", "Mira&#39;s phone", "listed by test-feed", "192.0.2.7"):
        assert words in detail
    device = await get(running, "/devices/dev-phone")
    for words in ("guessed from user agent", "1\u202f200", "weak: another device", "40 connections"):
        assert words in device
    assert "Mira&#39;s phone" in await get(running, "/devices")


async def test_an_incident_leads_to_its_alert_or_stands_by_itself(running):
    await running.deliver(verdict("loud"), verdict("quiet", alert=False, host="quiet.example", url=""))
    status, _, headers = await running.ask("GET", "/incidents/loud", allow_redirects=False)
    assert status == 303
    assert headers["Location"].startswith("/alerts/al")
    assert "quiet.example" in await get(running, "/incidents/quiet")


@pytest.mark.parametrize("path", ["/alerts/none", "/devices/none", "/incidents/none", "/nothing", "/assets/x.css"])
async def test_what_is_not_there_is_said_to_people(running, path):
    status, body, headers = await running.ask("GET", path)
    assert (status, headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert "Not found" in body


async def test_pages_of_alerts_follow_each_other_without_gap_or_repeat(running):
    await running.deliver(*(verdict(f"v{i}", host=f"h{i}.example") for i in range(120)))
    path, seen = "/alerts", []
    while path:
        body = await get(running, path)
        seen += re.findall(r'id="row-(\w+)"', body)
        following = re.search(r'href="(/alerts\?after=[^"]+)" rel="next"', body)
        path = following[1] if following else ""
        assert len(seen) <= 120
    assert len(seen) == len(set(seen)) == 120


@pytest.mark.parametrize("after", ["", "x", "1", "1-", "-1-5", "9" * 30 + "-1", "1-" + "9" * 30])
async def test_a_wrong_page_address_is_a_client_error(running, after):
    status, body, _ = await running.ask("GET", f"/alerts?after={after}")
    assert status == 400 or (status == 200 and after.startswith("1-9"))
    assert "Internal" not in body


async def test_hidden_destinations_are_shown_as_hidden(running):
    digest = "0123456789abcdef"
    await running.deliver(verdict(hidden=True, host=digest, addresses=(digest,), url="https://evil.example/"))
    _, alerts, _ = await running.ask("GET", "/api/alerts")
    alert = alerts["value"][0]
    assert alert["hidden"] is True
    assert (alert["evidence"][0]["url"], alert["evidence"][0]["ipAddress"]) == (None, None)
    for path in ("/", f"/alerts/{alert['id']}", "/devices/dev-phone"):
        body = await get(running, path)
        assert "hidden destination" in body
        assert "evil.example" not in body


@pytest.mark.parametrize("hostile", HOSTILE)
async def test_no_text_becomes_markup(running, hostile):
    """The elements and attribute names of every page are the same, whatever the network sent."""
    paths = ("/", "/alerts", "/devices", "/alerts/{alert}", "/devices/{device}", "/incidents/{incident}")
    plain = await _shape(running, "plain", "word", paths)
    assert await _shape(running, "hostile", hostile, paths) == plain


async def _shape(running, name: str, text: str, paths: tuple[str, ...]) -> list[tuple[list[str], list[str]]]:
    source = Evidence(text, "domain", Action.BLOCK, text, Category.PHISHING, text, text, 3, text)
    device = Device(f"{name}-{text}", text, text, address=text[:60], listener=text[:30])
    event = verdict(f"quiet-{name}", alert=False, device=device, host=text, url=text, reason=text, matches=(source,))
    loud = verdict(
        f"loud-{name}", device=device, host=text, url=text, addresses=(text,), reason=text, title=text,
        description=text, recommended_actions=text, user_agent=text, hashes=(text,), matches=(source,), gateway=text,
    )  # fmt: skip
    await running.deliver(event, loud)
    feed = {"name": text, "state": "failed", "error": text}
    status = {"gateway": text, "feeds": [feed], "errors": [text], "version": text, "endpoints": {"http_proxy": text}}
    assert (await running.ask("POST", "/api/v1/gateways/status", GATEWAY, json=status))[0] == 204
    _, alerts, _ = await running.ask("GET", "/api/alerts")
    (alert,) = [one for one in alerts["value"] if one["machineId"].startswith(name)]
    ids = {"alert": alert["id"], "device": quote(alert["machineId"], safe=""), "incident": f"quiet-{name}"}
    shapes = []
    for path in paths[3:]:
        found = Markup(await get(running, path.format(**ids)))
        shapes.append((found.tags, [key for key, _ in found.attributes]))
        assert not [
            value for key, value in found.attributes if key in ("href", "action") and not value.startswith(("/", "#"))
        ]
    for path in paths[:3]:
        found = Markup(await get(running, path))
        assert not set(found.tags) & {"img", "textarea", "iframe"}
        assert not [key for key, _ in found.attributes if key.startswith("on") or key in ("style", "autofocus")]
        assert found.tags.count("script") == 1
    return shapes


async def test_json_stays_json(running):
    await running.deliver(*(verdict(f"v{i}", title=text, url=text) for i, text in enumerate(HOSTILE)))
    status, _, headers = await running.ask("GET", "/api/alerts")
    assert (status, headers["Content-Type"]) == (200, "application/json; charset=utf-8")
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_nothing_comes_from_outside(running):
    await running.deliver(verdict())
    for path in ("/", "/alerts", "/devices", "/devices/dev-phone"):
        found = Markup(await get(running, path))
        assert not [value for key, value in found.attributes if key == "src" and not value.startswith("/assets/")]
    for name in ("console.css", "console.js", "icon.svg"):
        _, body, _ = await running.ask("GET", f"/assets/{name}", "")
        assert "//" not in re.sub(r"http://www\.w3\.org/2000/svg|^//.*$", "", body, flags=re.M)
