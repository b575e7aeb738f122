"""What a person sees: Debian's Chromium, of a phone's size, through the running gateway."""

from __future__ import annotations

import http.server
import json
import re
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext

from tests.support.browser import chromium

pytestmark = pytest.mark.heavy

SHOTS = Path(__file__).resolve().parents[2] / ".cache" / "screenshots"
SEAWALL = str(Path(sys.executable).parent / "seawall")
CONFIG = """\
state_dir: state
proxy: {host: 127.0.0.1, port: 0, socks_port: 0}
dns: {host: 127.0.0.1, port: 0, upstreams: ["127.0.0.1:9"], hosts: {benign.test: 127.0.0.1, casino.test: 127.0.0.1}}
collector: {host: 127.0.0.1, port: 0}
indicators:
  - warn: casino.test
    title: Gambling is not for work
"""


@dataclass(frozen=True, slots=True)
class Origin:
    plain: int
    tls: int
    certificate: Path


class _Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<!doctype html><title>origin</title><h1>hello from the origin</h1>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory, require_program: Callable[..., str]) -> Iterator[Origin]:
    folder = tmp_path_factory.mktemp("origin")
    key, certificate = folder / "key.pem", folder / "cert.pem"
    words = (
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -addext subjectAltName=DNS:benign.test"
    )
    files = ["-keyout", str(key), "-out", str(certificate), "-subj", "/CN=The origin's own authority"]
    subprocess.run([require_program("openssl"), *words.split(), *files], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    plain = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Hello)
    secure = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Hello)
    secure.socket = context.wrap_socket(secure.socket, server_side=True)
    for server in (plain, secure):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Origin(plain.server_port, secure.server_port, certificate)
    for server in (plain, secure):
        server.shutdown()
        server.server_close()


@dataclass(frozen=True, slots=True)
class Gateway:
    config: Path
    endpoints: dict[str, str]

    def console_url(self) -> str:
        """Return a one-time address of the console."""
        words = [SEAWALL, "console", "--no-open", "--config", str(self.config)]
        found = re.search(r"http://\S+", subprocess.run(words, capture_output=True, text=True, check=True).stdout)
        assert found
        return found[0]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("gateway")
    config, endpoints = folder / "config.yaml", folder / "state" / "endpoints.json"
    config.write_text(CONFIG)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([SEAWALL, "run", "--config", str(config)], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 90
        while not endpoints.exists():
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, "the gateway did not start"
            time.sleep(0.1)
        yield Gateway(config, json.loads(endpoints.read_text()))
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.fixture
def browser(
    gateway: Gateway, origin: Origin, tmp_path: Path, require_program: Callable[..., str]
) -> Iterator[BrowserContext]:
    require_program("certutil", "libnss3-tools")
    trusted = (Path(gateway.endpoints["ca"]), origin.certificate)
    with chromium(
        require_program("chromium"), tmp_path, proxy=gateway.endpoints["http_proxy"], trusts=trusted
    ) as context:
        yield context


def _shoot(context: BrowserContext, name: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    context.pages[0].screenshot(path=SHOTS / f"{name}.png", full_page=True)


def test_the_block_page_explains_itself_under_our_certificate(browser: BrowserContext) -> None:
    page = browser.pages[0]
    answer = page.goto("https://smartscreentestratings2.net/")
    assert answer is not None
    assert answer.status == 403
    _shoot(browser, "block")
    text = page.inner_text("body")
    assert "phishing" in text.lower()
    assert "smartscreentestratings2.net" in text
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "no sideways scrolling on a phone"
    security = answer.security_details()
    assert security is not None
    assert "Seawall" in str(security["issuer"])


def test_a_benign_page_keeps_its_own_certificate(browser: BrowserContext, origin: Origin) -> None:
    answer = browser.pages[0].goto(f"https://benign.test:{origin.tls}/")
    assert answer is not None
    assert answer.status == 200
    security = answer.security_details()
    assert security is not None
    assert security["issuer"] == "The origin's own authority"


def test_a_warning_can_be_passed_once_and_then_holds(browser: BrowserContext, origin: Origin) -> None:
    page = browser.pages[0]
    address = f"http://casino.test:{origin.plain}/table?n=1"
    first = page.goto(address)
    assert first is not None
    assert first.status == 403
    assert "Gambling is not for work" in page.inner_text("body")
    _shoot(browser, "warn")
    page.get_by_role("button", name=re.compile("continue", re.I)).click()
    page.wait_for_selector("text=hello from the origin")
    assert page.url == address
    again = page.goto(address)
    assert again is not None
    assert again.status == 200


def test_the_console_shows_an_alert_without_reloading(
    gateway: Gateway, tmp_path: Path, require_program: Callable[..., str]
) -> None:
    host = "live.smartscreentestratings2.net"
    with chromium(require_program("chromium"), tmp_path) as desk:
        console = desk.pages[0]
        console.goto(gateway.console_url())
        assert host not in console.inner_text("body")
        console.evaluate("window.stayed = true")
        visit = [require_program("curl"), "-s", "-x", f"http://{gateway.endpoints['http_proxy']}", f"http://{host}/"]
        assert b"phishing" in subprocess.run(visit, capture_output=True, check=True).stdout.lower()
        console.wait_for_selector(f"text={host}", timeout=20_000)
        assert console.evaluate("window.stayed"), "the page was updated, not loaded again"
        _shoot(desk, "console")
