"""The console in a real Chromium: logged in by its link, live, strict, narrow, and deaf to other pages."""

from __future__ import annotations

import pytest
from aiohttp import web
from playwright.async_api import Page, async_playwright, expect

from tests.collector.conftest import ADMIN
from tests.support.events import verdict

pytestmark = pytest.mark.heavy
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]


@pytest.fixture
async def browser(require_program):
    async with async_playwright() as playwright:
        program = require_program("chromium")
        started = await playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)
        yield started
        await started.close()


@pytest.fixture
async def page(running, browser):
    """An overview that is logged in, live and has complained of nothing when the test ends."""
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    opened: Page = await context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("dialog", lambda dialog: complaints.append(dialog.message))
    _, body, _ = await running.ask("POST", "/api/v1/tickets", ADMIN)
    await opened.goto(body["url"])
    await expect(opened.locator("#live")).to_have_attribute("data-state", "on")
    yield opened
    assert [text for text in complaints if "401 (Unauthorized)" not in text] == []  # the page after leaving is one


async def test_an_alert_appears_without_reloading_and_is_announced(running, page):
    await expect(page.get_by_text("No alerts yet.")).to_be_visible()
    await page.evaluate("window.here = true")
    await running.deliver(verdict(title="<img src=x onerror=alert(1)>"))
    await expect(page.locator("#r-alerts .row")).to_contain_text("<img src=x onerror=alert(1)>")
    await expect(page.locator("#announce")).to_contain_text("New alert")
    await running.deliver(verdict("second", host="other.example"))
    await expect(page.locator("#r-alerts .row")).to_have_count(2)
    assert await page.evaluate("window.here")


async def test_it_is_worked_by_keyboard(running, page):
    await running.deliver(verdict())
    row = page.locator("#r-alerts .row")
    await expect(row).to_be_visible()
    await page.keyboard.press("Tab")
    await expect(page.get_by_text("Skip to content")).to_be_focused()
    await row.focus()
    await running.deliver(verdict("again"))
    await expect(row).to_contain_text("2×")
    await expect(row).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Evidence")).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/alerts", "/devices", "/devices/dev-phone"])
async def test_a_phone_scrolls_only_downwards(running, page, path):
    await running.deliver(verdict(host="a" * 60 + "." + "b" * 60 + ".example", title="W" * 200, user_agent="u" * 900))
    await page.set_viewport_size({"width": 320, "height": 640})
    await page.goto(running.url + path)
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320


async def test_another_page_of_the_same_browser_reaches_nothing(running, page):
    """A page on another port of loopback is the worst case: the same site, and cookies go along."""

    async def attacker(_: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><p>attacker", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", attacker)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    foreign = await page.context.new_page()
    await foreign.goto(f"http://127.0.0.1:{runner.addresses[0][1]}/")
    script = """async url => {
        const tell = promise => promise.then(answer => answer.type + answer.status, () => 'refused');
        const get = {credentials: 'include'};
        const opaque = {credentials: 'include', mode: 'no-cors', method: 'POST', body: 'csrf=x'};
        return [await tell(fetch(url + '/api/alerts', get)), await tell(fetch(url + '/logout', opaque))];
    }"""
    assert await foreign.evaluate(script, running.url) == ["refused", "refused"]
    await page.reload()
    await expect(page.locator("#live")).to_have_attribute("data-state", "on")
    await runner.cleanup()


async def test_leaving_ends_the_session(page):
    await page.get_by_role("button", name="Log out").click()
    await expect(page.get_by_text("This browser is not logged in.")).to_be_visible()
