"""A phone's Chromium whose traffic goes through the tunnel alone, HTTP/3 on: pages, block pages, and the self-test."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext

from tests.heavy.test_onboarding import GREEN, WAIT, outcome_of
from tests.support.browser import chromium
from tests.support.namespaces import ORIGIN, Network
from tests.support.phones import Phone, phone
from tests.support.tunnel_gateway import INNER, TunnelGateway, needs_tunnels, tunnel_network

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(600)]

# The name is blocked by DNS as well; so is it met by its ClientHello alone.
_BY_SNI = f"--host-resolver-rules=MAP sni.test {ORIGIN[4]}"


@dataclass(frozen=True, slots=True)
class Handset:
    """Hold a phone with a browser; `trusts` are the authorities of the internet here, `ca` is the gateway's."""

    phone: Phone
    program: str
    folder: Path
    trusts: tuple[Path, ...]
    ca: Path

    @contextlib.contextmanager
    def browser(self, name: str, *, ca: bool = True) -> Iterator[BrowserContext]:
        """Open a browser with a profile of its own."""
        trusts = (*self.trusts, *([self.ca] if ca else []))
        further = ("--enable-quic", _BY_SNI)
        with chromium(self.program, self.folder / name, trusts=trusts, further=further) as opened:
            yield opened

    def quic_packets(self) -> int:
        """Return how many packets to UDP 443 have left since the count began."""
        said = self.phone.run("nft", "list", "table", "inet", "seen").stdout
        return int(said.partition("packets ")[2].split()[0])


@pytest.fixture(scope="module")
def lan(require_program: Callable[..., str]) -> Iterator[tuple[Network, Path]]:
    needs_tunnels(require_program)
    require_program("certutil", "libnss3-tools")
    with tempfile.TemporaryDirectory() as folder, tunnel_network(Path(folder)) as made:
        yield made, Path(folder)


@pytest.fixture(scope="module", params=["kernel", "userspace"])
def handset(
    request: pytest.FixtureRequest, lan: tuple[Network, Path], require_program: Callable[..., str]
) -> Iterator[Handset]:
    network, certificates = lan
    with tempfile.TemporaryDirectory() as text, _resolving(network.phone.name):
        folder = Path(text)
        gateway = TunnelGateway(network.gateway, folder, request.param)
        program = folder / "chromium"
        program.write_text(f'#!/bin/sh\nexec ip netns exec {network.phone.name} {require_program("chromium")} "$@"\n')
        program.chmod(0o755)
        with gateway.running(), phone(network.phone, gateway.add("phone"), folder) as made, _counting(made):
            ca = Path(gateway.endpoints()["ca"])
            yield Handset(made, str(program), folder, (certificates / "good.pem",), ca)


@contextlib.contextmanager
def _resolving(namespace: str) -> Iterator[None]:
    """Give what runs in a namespace the tunnel's resolver."""
    etc = Path("/etc/netns") / namespace
    etc.mkdir(parents=True)
    (etc / "resolv.conf").write_text(f"nameserver {INNER[4]}\n")
    try:
        yield
    finally:
        shutil.rmtree(etc)


@contextlib.contextmanager
def _counting(one: Phone) -> Iterator[None]:
    """Count what leaves to UDP 443."""
    rules = "add table inet seen; add chain inet seen out { type filter hook output priority 0; }"
    done = one.run("nft", f"{rules}; add rule inet seen out udp dport 443 counter")
    assert done.returncode == 0, done.stderr
    try:
        yield
    finally:
        one.run("nft", "delete table inet seen")


def test_a_page_loads_though_quic_is_tried_and_refused(handset: Handset) -> None:
    """The first answer offers HTTP/3; the browser tries that for the next one, and comes by TCP where it is refused."""
    with handset.browser("quic") as browser:
        page = browser.new_page()
        for _ in range(5):
            answered = page.goto("https://good.test/", timeout=WAIT)
            assert answered and answered.status == 200
            assert page.inner_text("body") == "world"
            if handset.quic_packets():
                break
        assert handset.quic_packets() > 0, "HTTP/3 was tried"
        assert page.evaluate("performance.getEntriesByType('navigation')[0].nextHopProtocol") == "http/1.1"


@pytest.mark.parametrize(
    "url", ["https://sni.test/", "https://paths.test/bad", "https://evil.test/", "http://evil.test/"]
)
def test_what_is_blocked_shows_the_page(handset: Handset, url: str) -> None:
    with handset.browser(url.partition("://")[2].replace("/", "-") + url[:5]) as browser:
        page = browser.new_page()
        answered = page.goto(url, timeout=WAIT)
        assert answered and answered.status == 403
        assert "This site is blocked" in page.inner_text("main")


def test_the_onboarding_page_tests_the_device_in_the_tunnel(handset: Handset) -> None:
    with handset.browser("red", ca=False) as browser:
        found, _ = outcome_of(browser, "http://seawall.internal/", "onboarding-tunnel-red")
        assert found == {**GREEN, "url": "red"}
    with handset.browser("green") as browser:
        assert outcome_of(browser, "http://seawall.internal/", "onboarding-tunnel-green")[0] == GREEN
