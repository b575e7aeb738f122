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
    program: str,
    folder: Path,
    *,
    proxy: str = "",
    pac: str = "",
    trusts: tuple[Path, ...] = (),
    dark: bool = False,
    further: tuple[str, ...] = (),
) -> Iterator[BrowserContext]:
    """Open a browser of a phone's size that sends everything through `proxy`, or as the file at `pac` says.

    It trusts the given authorities. `further` arguments come last; `--enable-quic` has it speak HTTP/3.
    """
    quiet = [one for one in QUIET if one != "--disable-quic" or "--enable-quic" not in further]
    ways = [f"--proxy-server=http://{proxy}", "--proxy-bypass-list=<-loopback>"] if proxy else []
    ways += [f"--proxy-pac-url={pac}"] if pac else []
    home = folder / "home"
    trust_authorities(home, trusts)
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            folder / "profile",
            executable_path=program,
            headless=True,
            args=[*quiet, *ways, *further],
            viewport=PHONE if ways else {"width": 1280, "height": 900},  # type: ignore[arg-type]
            color_scheme="dark" if dark else "light",
            env={**os.environ, "HOME": str(home)},
        )
        try:
            yield context
        finally:
            context.close()


def trust_authorities(home: Path, authorities: tuple[Path, ...]) -> None:
    """Let a Chromium with this home trust authorities."""
    store = home / ".pki" / "nssdb"
    store.mkdir(parents=True, exist_ok=True)
    subprocess.run(["certutil", "-d", f"sql:{store}", "-N", "--empty-password"], check=True, capture_output=True)
    for number, authority in enumerate(authorities):
        subprocess.run(
            ["certutil", "-d", f"sql:{store}", "-A", "-t", "C,,", "-n", f"test-{number}", "-i", str(authority)],
            check=True,
            capture_output=True,
        )
