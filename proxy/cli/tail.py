"""`seawall tail`: what is blocked, warned of and recorded, as it happens, in a terminal. Nothing is decided here."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import click
from rich.console import Console
from rich.text import Text

from indicators.words import Action, Category
from proxy.cli.console import reached
from proxy.cli.options import config_option, load_or_exit
from proxy.collector_link import CollectorLink
from proxy.logs import clean
from proxy.secrets import load_or_create
from proxy.state import StateDir

_STYLES = {"block": "bold red", "warn": "yellow", "audit": "cyan", "allow": "green"}
_PAUSE = 2.0  # seconds before the stream is asked for again
_SILENCE = 60.0  # seconds without a sign of life


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a line, for scripts.")
@click.option("-n", "--last", type=click.IntRange(0, 1000), default=10, show_default=True, help="Begin so far back.")
@click.option("--no-follow", is_flag=True, help="End after what is there already.")
@click.option("--device", default="", help="Only devices whose name or id contains this.")
@click.option("--host", default="", help="Only destinations that contain this.")
@click.option("--action", type=click.Choice([str(word) for word in Action]), help="Only this action.")
@click.option("--category", type=click.Choice([str(word) for word in Category]), help="Only this category.")
@click.option("--alerts", is_flag=True, help="Only what raised an alert.")
def tail(config_path: Path, as_json: bool, last: int, no_follow: bool, **filters: Any) -> None:
    """Show what is blocked, warned of and recorded, as it happens. Ctrl-C ends it.

    Where the collector goes away that is said, and the stream goes on where it was cut off when it is back. Exit 1 when
    no collector answers at the start.
    """
    loaded = load_or_exit(config_path)
    shown = Console(highlight=False, soft_wrap=True)
    try:
        token = load_or_create(StateDir(loaded.config.state_dir)).read_token
        asyncio.run(_follow(reached(loaded, token), last, not no_follow, filters, shown if not as_json else None))
    except KeyboardInterrupt:
        raise click.exceptions.Exit(0) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None


async def _follow(
    collector: CollectorLink, last: int, on: bool, filters: Mapping[str, Any], console: Console | None
) -> None:
    place, away = _Place(last), False
    while True:
        try:
            async for incident in _incidents(collector, place, on):
                away = _said(away, now=False)
                if incident is not None and fits(incident, filters):
                    _show(incident, console)
            if not on:
                return
        except (aiohttp.ClientError, TimeoutError):
            if place.after is None or not on:
                url = collector.url
                raise ConnectionError(f"the collector at {url} does not answer: see `seawall status`") from None
            away = _said(away, now=True)
        await asyncio.sleep(_PAUSE)


@dataclass(slots=True)
class _Place:
    """Where the stream goes on: after the incident `after`; before it was begun, `last` incidents back."""

    last: int
    after: str | None = None

    @property
    def asked(self) -> dict[str, str]:
        return {"last": str(self.last)} if self.after is None else {"after": self.after}


def _said(before: bool, *, now: bool) -> bool:
    if before != now:
        click.echo("The collector is away: waiting for it." if now else "The collector is back.", err=True)
    return now


async def _incidents(collector: CollectorLink, place: _Place, on: bool) -> AsyncIterator[dict[str, Any] | None]:
    """Yield each incident, and nothing for a sign of life. Raises ConnectionError when the token is refused."""
    headers = {"Authorization": f"Bearer {collector.token}"}
    limits = aiohttp.ClientTimeout(total=None, connect=5, sock_read=_SILENCE)
    address = f"{collector.url.rstrip('/')}/api/v1/tail"
    asked = {**place.asked, "follow": "1" if on else "0"}
    async with (
        aiohttp.ClientSession(timeout=limits, headers=headers, read_bufsize=1 << 20) as session,
        session.get(address, params=asked, allow_redirects=False, ssl=collector.trust or True) as answer,
    ):
        if answer.status >= 500 and place.after is not None:
            raise aiohttp.ClientConnectionError(f"HTTP {answer.status}")  # it starts, or its database does
        if answer.status != 200:
            raise ConnectionError(f"the collector at {collector.url} refused the read token (HTTP {answer.status})")
        place.after = answer.headers.get("Seawall-After", "")
        yield None
        async for line in answer.content:
            if not line.endswith(b"\n"):
                return  # cut off in the middle: it comes again
            incident = json.loads(line) if line.strip() else None
            place.after = incident["id"] if incident else place.after
            yield incident


def fits(incident: Mapping[str, Any], filters: Mapping[str, Any]) -> bool:
    """Say whether an incident passes every filter that is set."""
    device = incident.get("device", {})
    texts = {
        "device": f"{device.get('name', '')} {device.get('id', '')}",
        "host": f"{incident.get('host', '')} {incident.get('url', '')}",
    }
    if any(filters[name] and filters[name].lower() not in text.lower() for name, text in texts.items()):
        return False
    if any(filters[name] and incident.get(name) != filters[name] for name in ("action", "category")):
        return False
    return bool(incident.get("alertId")) or not filters["alerts"]


def _show(incident: Mapping[str, Any], console: Console | None) -> None:
    if console is None:
        sys.stdout.write(json.dumps(incident) + "\n")
        sys.stdout.flush()
        return
    console.print(line_of(incident))


def line_of(incident: Mapping[str, Any]) -> Text:
    """Return one line for a person; what came from the network is shown without control characters."""
    when = datetime.fromisoformat(incident["time"]).astimezone()
    action, device = incident.get("action", "allow"), incident.get("device", {})
    hidden = incident.get("hidden", False)
    place = "(hidden)" if hidden else incident.get("url") or incident.get("host") or "-"
    words = [place, device.get("name") or device.get("id", ""), incident.get("reason", "")]
    line = Text(f"{when:%H:%M:%S} ")
    line.append(f"{action:<6}", style=_STYLES.get(action, ""))
    line.append(f" {_on_one_line(words[0])}", style="bold")
    line.append(f"  {_on_one_line(words[1])}", style="dim")
    return line.append(f"  {_on_one_line(words[2])}") if words[2] else line


def _on_one_line(text: str) -> str:
    return " ".join(clean(text).replace("\t", " ").splitlines())
