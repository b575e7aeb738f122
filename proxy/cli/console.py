"""`seawall console`: ask the collector for a one-time link and open it in the browser."""

from __future__ import annotations

import asyncio
import json
import webbrowser
from pathlib import Path

import aiohttp
import click

from proxy.collector_link import CollectorLink, trust_of
from proxy.config.errors import ConfigError
from proxy.config.load import LoadedConfig, load_config
from proxy.secrets import load_or_create
from proxy.state import StateDir

_SECONDS = 10.0


@click.command()
@click.option("--config", "config_path", type=click.Path(path_type=Path), default="config.yaml", show_default=True)
@click.option("--no-open", is_flag=True, help="Print the link instead of opening a browser.")
def console(config_path: Path, no_open: bool) -> None:
    """Open the console in a browser, logged in. The link works once and for two minutes."""
    loaded = _load(config_path)
    try:
        link = asyncio.run(fetch_link(reached(loaded, _admin_token(loaded))))
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    if no_open or not webbrowser.open(link):
        click.echo(link)
    else:
        click.echo("Opened the console in your browser.")


def _load(path: Path) -> LoadedConfig:
    try:
        return load_config(path, with_indicators=False)
    except (ConfigError, OSError) as error:
        click.echo(str(error), err=True)
        raise click.exceptions.Exit(2) from None


def _admin_token(loaded: LoadedConfig) -> str:
    return load_or_create(StateDir(loaded.config.state_dir)).admin_token


def collector_url(loaded: LoadedConfig) -> str:
    """Return where the collector answers: as configured, or where the running gateway really bound it.

    Raises FileNotFoundError when no gateway runs, ValueError when its `endpoints.json` can't be read.
    """
    if loaded.config.collector.url != "embedded":
        return loaded.config.collector.url
    path = StateDir(loaded.config.state_dir).endpoints
    try:
        url = json.loads(path.read_text("utf-8"))["collector"]
    except FileNotFoundError:
        raise FileNotFoundError("no gateway is running here: start it with `seawall run`") from None
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{path}: is damaged; restart the gateway to write it anew") from None
    return str(url)


def reached(loaded: LoadedConfig, token: str) -> CollectorLink:
    """Return how a command reaches the collector with a token; whom it trusts there is what gateways trust.

    Raises OSError for a certificate that cannot be read, and as `collector_url`.
    """
    return CollectorLink(collector_url(loaded), token, trust_of(loaded.config.collector))


async def fetch_link(collector: CollectorLink) -> str:
    """Ask the collector for a one-time link. Raises ConnectionError saying what to do when it gives none."""
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    headers, url = {"Authorization": f"Bearer {collector.token}"}, collector.url
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=headers) as session,
            session.post(f"{url.rstrip('/')}/api/v1/tickets", ssl=collector.trust or True) as answer,
        ):
            body = await answer.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError, ValueError):
        raise ConnectionError(f"the collector at {url} does not answer: see `seawall status`") from None
    if answer.status != 201 or not isinstance(body, dict):
        raise ConnectionError(f"the collector at {url} refused this installation's admin token (HTTP {answer.status})")
    return str(body["url"])
