"""`seawall indicators test`: what an edit of indicators would have changed in the history that the collector keeps."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import click

from proxy.cli.console import reached
from proxy.cli.options import config_option, load_or_exit
from proxy.collector_link import CollectorLink
from proxy.config.errors import ConfigError
from proxy.secrets import load_or_create
from proxy.state import StateDir

_SECONDS = 300.0


@click.command("test")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
def test(files: tuple[Path, ...], config_path: Path, as_json: bool) -> None:
    """Say what the indicators of FILES would have blocked and allowed in the history that is kept.

    Nothing is changed. Allowed traffic is counted and not kept, so what is found is the least that would change: what
    was audited, overridden, or stopped by something else, and with `privacy.keep_sightings` the allowed hosts that a
    domain or address would have stopped. Exit 0 if nothing would change, 3 if something would, 2 if a
    file is broken.
    """
    from indicators.overlay import Overlay, to_json  # noqa: PLC0415 - pydantic's model is slow to build
    from proxy.config.indicator_files import read_alone  # noqa: PLC0415

    loaded = load_or_exit(config_path)
    found = read_alone([file.absolute() for file in files])
    if found.errors:
        click.echo("\n".join(map(str, found.errors)), err=True)
        raise click.exceptions.Exit(2)
    try:
        token = load_or_create(StateDir(loaded.config.state_dir)).read_token
        told = asyncio.run(_ask(reached(loaded, token), to_json(Overlay(0, found.indicators))))
    except (OSError, ValueError, ConfigError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(json.dumps(told, indent=2) if as_json else _words(told))
    raise click.exceptions.Exit(3 if told["blocked"]["times"] or told["allowed"]["times"] else 0)


async def _ask(collector: CollectorLink, body: str) -> dict[str, Any]:
    url = collector.url
    headers = {"Authorization": f"Bearer {collector.token}", "Content-Type": "application/json"}
    address, timeout = f"{url.rstrip('/')}/api/v1/history/test", aiohttp.ClientTimeout(total=_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=headers) as session,
            session.post(address, data=body.encode(), ssl=collector.trust or True) as answer,
        ):
            told = await answer.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError, ValueError):
        raise ConnectionError(f"the collector at {url} does not answer: see `seawall status`") from None
    if answer.status != 200 or not isinstance(told, dict):
        words = told.get("error", {}).get("message", "") if isinstance(told, dict) else ""
        raise ConnectionError(f"the collector at {url} refused (HTTP {answer.status}): {words}")
    return told


def _words(told: Mapping[str, Any]) -> str:
    lines = [f"looked at {told['events']:,} events"]
    for key, words in (
        ("blocked", "would be stopped"),
        ("allowed", "would be let through"),
        ("unchanged", "as it was"),
    ):
        one = told[key]
        hashed = f" ({one['hashed']:,} of them known by hashed sightings)" if one.get("hashed") else ""
        lines.append(f"{words}: {one['times']:,} times on {one['devices']} devices{hashed}")
        if key != "unchanged":
            lines += [f"  {each['times']:>8,}  {each['name']}" for each in one["destinations"][:20]]
    return "\n".join(lines)
