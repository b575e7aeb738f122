"""Benchmark `page`: a page of 60 resources on 12 hosts in Chromium, direct and spliced by us and by squid.

Every load has a browser of its own, so that nothing is cached and no connection is left from the last one. The time is
the browser's own, from the start of the navigation to the end of the load event. All hosts are this machine's.
"""

from __future__ import annotations

import base64
import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import Page, sync_playwright

from benchmarks.harness import Comparison, Missing, Probe, interleave
from benchmarks.processes import gateway, port_of, program
from benchmarks.setting import Setting, load_cores, pinned, server_cores
from benchmarks.splice import squid, tls_origin

_HOSTS = [f"host{number}.page.test" for number in range(12)]
_RESOURCES = 60
_QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
_DIRECT = "direct"
_LIMIT = 60_000  # milliseconds


def compare(setting: Setting) -> Iterator[Comparison]:
    browser = program("chromium", "chromium")
    with tempfile.TemporaryDirectory() as text, ExitStack() as stack:
        folder = Path(text)
        folder.chmod(0o755)
        origin = stack.enter_context(tls_origin(folder, *_HOSTS, h2=True))
        _write_page(folder / "page", origin)
        ports = _start(stack, folder)
        probes: dict[str, Probe] = {name: partial(_load, browser, folder, origin, port) for name, port in ports.items()}
        interleave(probes, 1)  # warm
        missing = {} if "squid" in ports else {"squid": "it is not installed (Debian package squid-openssl)"}
        found = interleave(probes, setting.rounds if setting.quick else 3 * setting.rounds)
        note = f"{_RESOURCES} resources on {len(_HOSTS)} hosts, a new browser each time; at most 1.15 of direct"
        yield Comparison("page load in Chromium", "ms", "low", found, missing, note)


def _start(stack: ExitStack, folder: Path) -> Mapping[str, int]:
    """Start the proxies that there are: name -> port; 0 is none."""
    names: dict[str, object] = dict.fromkeys(_HOSTS, "127.0.0.1")
    _, endpoints = stack.enter_context(gateway(folder, server_cores(), {"dns": {"hosts": names}}))
    ports = {"seawall": port_of(endpoints["http_proxy"]), _DIRECT: 0}
    with suppress(Missing):
        ports["squid"] = stack.enter_context(squid(folder, *_HOSTS))[0]
    return ports


def _write_page(folder: Path, origin: int) -> None:
    """Write a page, and pictures, scripts and style sheets of 2 to 40 KB, spread over the hosts."""
    folder.mkdir()
    tags = []
    for number in range(_RESOURCES):
        kind = ("png", "js", "css")[number % 3]
        (folder / f"{number}.{kind}").write_bytes(b"/*" + os.urandom(1000 + 650 * number).hex().encode() + b"*/")
        address = f"https://{_HOSTS[number % len(_HOSTS)]}:{origin}/page/{number}.{kind}"
        tags.append(
            {
                "png": f'<img src="{address}">',
                "js": f'<script async src="{address}"></script>',
                "css": f'<link rel="stylesheet" href="{address}">',
            }[kind]
        )
    (folder / "index.html").write_text(f"<!doctype html><title>page</title>{''.join(tags)}")


def _load(browser: str, folder: Path, origin: int, proxy: int) -> float:
    """Load the page once; return the milliseconds to the end of its load event."""
    options = [*_QUIET, "--host-resolver-rules=MAP *.page.test 127.0.0.1"]
    options.append(f"--ignore-certificate-errors-spki-list={_pin(folder / 'certificate.pem')}")
    if proxy:
        options.append(f"--proxy-server=http://127.0.0.1:{proxy}")
    with pinned(load_cores()), sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=browser, headless=True, args=options)
        try:
            return _time_of(opened.new_page(), f"https://{_HOSTS[0]}:{origin}/page/index.html")
        finally:
            opened.close()


def _time_of(page: Page, address: str) -> float:
    failed: list[str] = []
    page.on("requestfailed", lambda request: failed.append(request.url))
    page.goto(address, wait_until="load", timeout=_LIMIT)
    taken: float = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventStart")
    count: int = page.evaluate("performance.getEntriesByType('resource').length")
    if failed or count < _RESOURCES:
        raise Missing(f"the page did not load whole: {count} of {_RESOURCES} resources, failed: {failed[:3]}")
    return taken


def _pin(certificate: Path) -> str:
    key = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(spki).digest()).decode()
