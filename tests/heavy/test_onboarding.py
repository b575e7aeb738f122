"""A person sets a device up: Chromium opens the running gateway's onboarding page, which tests the device."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext

from tests.heavy.test_browser import SEAWALL, SHOTS, Gateway, gateway  # noqa: F401
from tests.support.browser import chromium

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(300)]
WAIT = 60_000  # milliseconds
GREEN = {"dns": "green", "sni": "green", "url": "green", "blocking": "green"}


def outcome_of(browser: BrowserContext, address: str, shot: str) -> tuple[dict[str, str], list[str]]:
    """Open the page and return what its checks came to, and every address that was asked for."""
    page, asked = browser.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address, wait_until="domcontentloaded", timeout=WAIT)
    page.wait_for_selector("#checks[data-done]", timeout=WAIT)
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{shot}.png", full_page=True)
    rows = page.locator("#checks li").all()
    found = {row.get_attribute("data-check") or "": row.get_attribute("data-state") or "" for row in rows}
    words = {row.locator(".state").inner_text() for row in rows}
    assert words <= {"✓ yes", "✗ no"}, "not by colour alone"
    page.close()
    return found, asked


@pytest.fixture(scope="module")
def program(require_program: Callable[..., str]) -> str:
    require_program("certutil", "libnss3-tools")
    return require_program("chromium")


def waiting(gateway: Gateway) -> int:  # noqa: F811
    """Return how many URL indicators wait for a device to trust the CA, as the supervisor says."""
    words = [SEAWALL, "status", "--json", "--config", str(gateway.config)]
    said = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout
    return int(json.loads(said)["waiting_for_ca"])


def test_red_then_green(program: str, gateway: Gateway, tmp_path: Path) -> None:  # noqa: F811
    proxy, authority = gateway.endpoints["http_proxy"], Path(gateway.endpoints["ca"])
    with chromium(program, tmp_path / "without", proxy=proxy) as browser:
        found, asked = outcome_of(browser, "http://seawall.internal/", "onboarding-red")
        assert found == {**GREEN, "url": "red"}
        own = ("http://seawall.internal/", "https://seawall.internal/")
        assert all(url.startswith(own) or ".check.seawall.internal/" in url for url in asked), asked
        assert waiting(gateway) > 0, "no device has shown that it trusts the CA"
    with chromium(program, tmp_path / "with", proxy=proxy, trusts=(authority,)) as browser:
        assert outcome_of(browser, "http://seawall.internal/", "onboarding-green")[0] == GREEN
        assert waiting(gateway) == 0, "the check of a URL marked the device"
        assert outcome_of(browser, "https://seawall.internal/", "onboarding-https")[0] == GREEN


def test_without_the_gateway_all_is_red(program: str, gateway: Gateway, tmp_path: Path) -> None:  # noqa: F811
    """The page itself is fetched at the proxy's own port; nothing else of this browser comes to the gateway."""
    with chromium(program, tmp_path, trusts=(Path(gateway.endpoints["ca"]),)) as browser:
        found, _ = outcome_of(browser, f"http://{gateway.endpoints['http_proxy']}/", "onboarding-all-red")
    assert found == dict.fromkeys(GREEN, "red")


def test_the_pac_file_takes_a_browser_through_the_gateway(program: str, gateway: Gateway, tmp_path: Path) -> None:  # noqa: F811
    pac = f"http://{gateway.endpoints['http_proxy']}/proxy.pac"
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(pac, timeout=60) as answer:
        assert answer.headers["content-type"] == "application/x-ns-proxy-autoconfig"
    with chromium(program, tmp_path, pac=pac, trusts=(Path(gateway.endpoints["ca"]),)) as browser:
        page = browser.new_page()
        answered = page.goto("https://smartscreentestratings2.net/", timeout=WAIT)
        assert answered and answered.status == 403
        assert "This site is blocked" in page.inner_text("main")
        assert outcome_of(browser, "http://seawall.internal/", "onboarding-by-pac")[0] == GREEN
        assert outcome_of(browser, pac.replace("proxy.pac", ""), "onboarding-at-the-proxy")[0] == GREEN


def test_the_console_has_the_page_too(program: str, gateway: Gateway, tmp_path: Path) -> None:  # noqa: F811
    console, pac = gateway.endpoints["collector"], f"http://{gateway.endpoints['http_proxy']}/proxy.pac"
    with chromium(program, tmp_path, pac=pac, trusts=(Path(gateway.endpoints["ca"]),)) as browser:
        assert outcome_of(browser, f"{console}/onboarding", "onboarding-console")[0] == GREEN
        page = browser.new_page()
        page.goto(f"{console}/onboarding", timeout=WAIT)
        with page.expect_download(timeout=WAIT) as got:
            page.locator("details[open] a.button").click()
        assert got.value.path().read_bytes() == Path(gateway.endpoints["ca"]).read_bytes()
