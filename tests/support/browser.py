"""A real Chromium with a home of its own, so that each test decides which authorities it trusts.

Debian's Chromium is driven over its own protocol; nothing is downloaded. Background traffic is switched off, because
nothing here may leave the machine.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import BrowserContext, sync_playwright

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,DialMediaRouteProvider,OptimizationHints",
    "--dns-over-https-mode=off",
]
PHONE = {"width": 412, "height": 915}


@contextlib.contextmanager
def chromium(
    program: str, folder: Path, *, proxy: str = "", trusts: tuple[Path, ...] = (), dark: bool = False
) -> Iterator[BrowserContext]:
    """Open a browser of a phone's size that sends everything through `proxy` and trusts the given authorities."""
    home = folder / "home"
    _trust(home, trusts)
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            folder / "profile",
            executable_path=program,
            headless=True,
            args=[*QUIET, *([f"--proxy-server=http://{proxy}", "--proxy-bypass-list=<-loopback>"] if proxy else [])],
            viewport=PHONE if proxy else {"width": 1280, "height": 900},  # type: ignore[arg-type]
            color_scheme="dark" if dark else "light",
            env={**os.environ, "HOME": str(home)},
        )
        try:
            yield context
        finally:
            context.close()


def _trust(home: Path, authorities: tuple[Path, ...]) -> None:
    store = home / ".pki" / "nssdb"
    store.mkdir(parents=True, exist_ok=True)
    subprocess.run(["certutil", "-d", f"sql:{store}", "-N", "--empty-password"], check=True, capture_output=True)
    for number, authority in enumerate(authorities):
        subprocess.run(
            ["certutil", "-d", f"sql:{store}", "-A", "-t", "C,,", "-n", f"test-{number}", "-i", str(authority)],
            check=True,
            capture_output=True,
        )
