"""What a person sees when the gateway has started: where to point things, and what waits. Text only, no decisions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from proxy.endpoints import split

_EMULATOR_HOST = "10.0.2.2"  # the host's loopback, seen from an Android emulator
_OVER_TLS = (("DNS over TLS", "dns_tls"), ("DNS over HTTPS", "dns_https"))


def show(status: Mapping[str, Any], console: Console | None = None) -> None:
    """Print the panel."""
    table = Table.grid(padding=(0, 2))
    for name, text in rows(status):
        table.add_row(Text(name, style="bold"), Text(text))
    (console or Console(stderr=True, highlight=False)).print(Panel(table, title="Seawall is running", expand=False))


def rows(status: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the panel's lines as name and text."""
    ends = status["endpoints"]
    found = [
        ("HTTP proxy", _both(ends["http_proxy"])),
        ("SOCKS5", _both(ends["socks"])),
        ("DNS", f"{ends['dns']} (UDP and TCP)"),
        *((label, ends[name]) for label, name in _OVER_TLS if name in ends),
        ("CA certificate", str(ends["ca"])),
        ("Console", f"{ends['collector']} (open it with `seawall console`)"),
        ("Indicators", _indicators(status)),
        ("Feeds", _feeds(status)),
    ]
    if status["mode"] == "audit":
        found.append(("Mode", "audit: nothing is blocked, only recorded"))
    return [*found, *(("Mistake", error) for error in status["errors"])]


def _both(address: str) -> str:
    port = split(address)[1]
    return f"{_EMULATOR_HOST}:{port} from an emulator, {address} on this computer"


def _indicators(status: Mapping[str, Any]) -> str:
    waiting = status["waiting_for_ca"]
    text = f"{status['indicators']:,} active"
    return f"{text}; {waiting:,} for URLs wait for a device to trust the CA" if waiting else text


def _feeds(status: Mapping[str, Any]) -> str:
    feeds = status["feeds"]
    if status["compiling"]:
        return f"compiling ({len(feeds)} configured)"
    poor = [f"{feed['name']} {feed['state']}" for feed in feeds if feed["state"] not in ("fresh", "disabled")]
    return ", ".join(poor) or (f"{len(feeds)} fresh" if feeds else "none configured")
