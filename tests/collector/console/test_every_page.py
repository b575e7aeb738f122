"""Every page in a real Chromium: without complaints, usable by axe's rules, on a desk, in the dark and on a phone.

Also two people at once, and the attacks that only a browser can make: a foreign site and a rebinding name.
Screenshots are kept in `.cache/screenshots`, which git ignores.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web
from playwright.async_api import Browser, Page, async_playwright, expect

from collector.web.access import Role
from collector.web.parts import PARTS
from tests.collector.conftest import ADMIN, GATEWAY
from tests.collector.console.test_pages import STATUS
from tests.support.events import verdict
from tests.support.hostile import HOSTILE

pytestmark = pytest.mark.heavy
SHOTS = Path(__file__).resolve().parents[3] / ".cache" / "screenshots"
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
_NAMES = "--host-resolver-rules=MAP rebind.test 127.0.0.1, MAP attacker.test 127.0.0.1"
_AXE = "4.11"
_ONE_TRY = ("--fetch-retries=0", "--fetch-timeout=60000")
_NO_REGISTRY = re.compile(r"code (E[A-Z]*(NOTFOUND|AGAIN|REFUSED|TIMEDOUT|UNREACH|TIMEOUT)|ECONNRESET|E40[34])\b")
PAGES = {
    "overview": "/", "month": "/?span=30d", "alerts": "/alerts", "alert": "/alerts/{alert}", "devices": "/devices",
    "device": "/devices/dev-phone", "indicators": "/indicators", "hits": "/indicators/hits?value=evil.example",
    "why": "/why", "why-answered": "/why?target=evil.example", "requests": "/requests",
    "vulnerabilities": "/vulnerabilities", "system": "/system", "pins": "/system/pins",
    "audit": "/audit", "access": "/access", "account": "/account", "incident": "/incidents/quiet",
    "missing": "/nothing",
}  # fmt: skip
_PIN = {"device": "dev-phone", "name": "Mira's phone", "host": "app.bank.example", "until": "2026-11-24T09:00:00Z"}
PINS = {"pins": 4, "pinned": [{**_PIN, "ja4": text} for text in ("t13d1516h2_8daaf6152771_02713d6af862", *HOSTILE)]}
VIEWS = {"desk": (1380, 900, "light"), "dark": (1380, 900, "dark"), "phone": (390, 844, "light")}


@pytest.fixture(scope="module")
def axe(require_program: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """axe-core from the npm registry, installed for this run alone; empty where no registry answers."""
    npm, folder = require_program("npm"), tmp_path_factory.mktemp("axe")
    wanted = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", *_ONE_TRY, f"axe-core@{_AXE}"]
    done = subprocess.run(wanted, cwd=folder, check=False, capture_output=True, text=True, timeout=110)
    if done.returncode:
        assert _NO_REGISTRY.search(done.stderr), done.stderr
        return ""
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text()


@pytest.fixture
async def browser(require_program):
    async with async_playwright() as playwright:
        program = require_program("chromium")
        started = await playwright.chromium.launch(executable_path=program, args=[*_ARGUMENTS, _NAMES])
        yield started
        await started.close()


@pytest.fixture
async def full(running):
    """A collector with something on every page, hostile strings among it, and a gateway that answers questions."""
    await running.deliver(
        *(verdict(f"v{i}", host=f"h{i}.example", title=text, reason=text) for i, text in enumerate(HOSTILE)),
        verdict("plain"),
        verdict("quiet", alert=False, host="quiet.example", url=""),
    )
    await running.ask("POST", "/api/v1/gateways/status", GATEWAY, json={**STATUS, "name": "attic", **PINS})
    indicator = {"indicatorValue": "evil.example", "indicatorType": "DomainName", "action": "Block", "title": "t"}
    await running.ask("POST", "/api/indicators", ADMIN, json={**indicator, "description": "d", "generateAlert": True})
    asked = {"id": "r1", "gateway": "gw-1", "device": {"id": "dev-phone", "name": "Mira"}, "host": "casino.example"}
    await running.ask("POST", "/api/v1/access-requests", GATEWAY, json={**asked, "note": "please"})
    parts = running.service._app[PARTS]
    await parts.people.invite("mira", Role.ANALYST, "setup", running.clock())
    answering = asyncio.create_task(_answer(parts.board, running.clock))
    yield running
    answering.cancel()


async def _answer(board, clock) -> None:
    match = {"indicator": "evil.example", "type": "domain", "action": "block", "category": "phishing", "source": "x"}
    while True:
        for question in await board.take("gw-1", clock(), 5.0):
            told = {"target": question["target"], "action": "block", "reason": "listed by x", "host": "evil.example"}
            board.answer(question["id"], "gw-1", {**told, "matches": [match]})


async def opened(running, browser: Browser, view: str = "desk") -> tuple[Page, list[str]]:
    """Return a page that is logged in, and what it complains of."""
    width, height, scheme = VIEWS[view]
    context = await browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page, complaints = await context.new_page(), []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    _, body, _ = await running.ask("POST", "/api/v1/tickets", ADMIN)
    await page.goto(body["url"])
    return page, complaints


@pytest.mark.parametrize("view", VIEWS)
async def test_every_page_is_sound(full, browser, axe, view):
    page, complaints = await opened(full, browser, view)
    alert = (await full.ask("GET", "/api/alerts"))[1]["value"][-1]["id"]
    SHOTS.mkdir(parents=True, exist_ok=True)
    broken: dict[str, list[str]] = {}
    for name, path in PAGES.items():
        await page.goto(full.url + path.format(alert=alert))
        await page.screenshot(path=SHOTS / f"console-{view}-{name}.png", full_page=True)
        if axe and (rules := await violated(page, axe)):
            broken[name] = rules
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
    assert broken == {}
    assert [text for text in complaints if "404" not in text] == []
    if not axe:
        pytest.skip("no npm registry answers: the pages were opened and kept as pictures, axe's rules were not asked")


async def violated(page: Page, axe: str) -> list[str]:
    """Return the rules of accessibility that a page breaks, and where."""
    found = await page.evaluate(f"{axe}; axe.run(document, {{resultTypes: ['violations']}})")
    return [f"{one['id']}: {one['nodes'][0]['target']}" for one in found["violations"]]


async def test_two_people_at_once(full, browser):
    """What one does the other sees without reloading, and neither undoes the other."""
    one, _ = await opened(full, browser)
    two, _ = await opened(full, browser)
    alert = next(
        row["id"] for row in (await full.ask("GET", "/api/alerts"))[1]["value"] if "plain" in row["incidentIds"]
    )
    for page in (one, two):
        await page.goto(f"{full.url}/alerts/{alert}")
    await one.get_by_label("Assigned to").fill("mira")
    await one.get_by_role("button", name="Save").click()
    await expect(one.get_by_text("The alert was changed.")).to_be_visible()
    await expect(two.locator("#r-facts")).to_contain_text("mira")
    await two.get_by_label("Comment").fill("looked at it")
    await two.get_by_role("button", name="Resolve", exact=True).click()
    await expect(two.get_by_text("looked at it")).to_be_visible()
    changed = (await full.ask("GET", f"/api/alerts/{alert}"))[1]
    assert (changed["status"], changed["assignedTo"]) == ("Resolved", "mira")


async def test_a_rebinding_name_sees_nothing(full, browser):
    """The name leads to our port, so the browser believes it to be one site; we do not answer to it."""
    page, _ = await opened(full, browser)
    foreign = await page.context.new_page()
    answer = await foreign.goto(f"http://rebind.test:{full.service.port}/")
    assert answer is not None
    assert answer.status == 421
    assert "evil.example" not in await foreign.content()
    told = await foreign.evaluate("fetch('/api/alerts').then(answer => answer.status)")
    assert told == 421


async def test_a_foreign_site_changes_nothing(full, browser):
    """A form that is sent by itself, a fetch, an image and a frame: none of them does or shows anything."""
    alert = (await full.ask("GET", "/api/alerts"))[1]["value"][0]
    form = f"""<!doctype html><form id=f method=post action="{full.url}/alerts/{alert["id"]}">
      <input name=status value=Resolved><input name=csrf value=x></form>
      <iframe src="{full.url}/"></iframe><img src="{full.url}/assets/icon.svg">"""

    async def attack(_: web.Request) -> web.Response:
        return web.Response(text=form, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", attack)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        page, _ = await opened(full, browser)
        await page.goto(f"http://attacker.test:{runner.addresses[0][1]}/")
        script = "url => fetch(url, {credentials: 'include'}).then(() => 'read', () => 'refused')"
        assert await page.evaluate(script, f"{full.url}/api/alerts") == "refused"
        async with page.expect_navigation():
            await page.evaluate("document.getElementById('f').submit()")
        assert "may not ask this" in await page.content()
        assert (await full.ask("GET", f"/api/alerts/{alert['id']}"))[1]["status"] == "New"
    finally:
        await runner.cleanup()
