"""`seawall vulnerabilities`: what devices are exposed to, asked of the collector, and the knowledge behind it."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from collector.exposures import knowledge_at
from proxy.cli.options import config_option, load_or_exit
from proxy.cli.tables import table
from proxy.pilot.clients import CollectorClient, Endpoints, PilotError
from proxy.state import StateDir
from proxy.vulnerabilities.update import UpdateError, update

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def vulnerabilities() -> None:
    """Say which devices run releases with known vulnerabilities, as far as their clients tell.

    A gateway sees an operating system's release at best. It sees no apps, no settings and, on Android, no patch level
    unless a posture report gives it.

    \b
      seawall vulnerabilities list               # devices to update first
      seawall vulnerabilities show "Anna's phone"
      seawall vulnerabilities update             # fetch newer knowledge of releases
    """  # noqa: D301 - click wants the control character itself


@vulnerabilities.command("list")
@config_option
@_json
def list_(config_path: Path, as_json: bool) -> None:
    """List devices, those first that should be updated first."""
    body = _ask(config_path, "/api/v1/exposure")
    if as_json:
        click.echo(json.dumps(body, indent=2))
        return
    rows = [
        (
            one["computerDnsName"],
            f"{one['osPlatform'] or ''} {one['version'] or ''}".strip() or "unknown",
            one["state"],
            one["exposureLevel"],
            str(one["exposureScore"]),
            str(one["exploited"]),
            str(one["missing"]),
        )
        for one in body["value"]
    ]
    table(("device", "release", "state", "exposure", "score", "exploited", "missing"), rows)
    _say_age(body["data"])


@vulnerabilities.command("show")
@click.argument("device")
@config_option
@_json
def show(device: str, config_path: Path, as_json: bool) -> None:
    """Show what one device misses, and how its release is known. DEVICE is a name or id."""
    listed = _ask(config_path, "/api/v1/exposure?$top=10000")["value"]
    found = [one for one in listed if device == one["id"] or device.casefold() == one["computerDnsName"].casefold()]
    if not found:
        raise click.ClickException(f"no device is called {device!r}; `seawall vulnerabilities list` names them")
    body = _ask(config_path, f"/api/machines/{quote(found[0]['id'], safe='')}/vulnerabilities")
    if as_json:
        click.echo(json.dumps(body, indent=2))
        return
    known = f"{body['source']}, {body['confidence']} confidence" if body["source"] else "nothing told it"
    release = f"{body['osPlatform'] or ''} {body['version'] or ''}".strip() or "unknown release"
    click.echo(f"{body['computerDnsName']}: {release} ({known})")
    for reason in body["reasons"]:
        click.echo(f"  {reason}")
    rows = [(one["id"], "yes" if one["exploited"] else "", one["fixedIn"], one["name"]) for one in body["value"]]
    table(("CVE", "exploited", "fixed in", "name"), rows)
    _say_age(body["data"])


@vulnerabilities.command("update")
@config_option
@_json
def update_(config_path: Path, as_json: bool) -> None:
    """Fetch newer knowledge of releases. What cannot be fetched whole changes nothing; then the exit code is 1."""
    config = load_or_exit(config_path, with_indicators=False).config
    state = StateDir(config.state_dir)
    state.prepare()
    hosts = {
        name: tuple(map(str, found if isinstance(found, tuple) else (found,)))
        for name, found in config.dns.hosts.items()
    }
    known = knowledge_at(state.vulnerability_data)
    tell = (lambda _: None) if as_json else (lambda text: click.echo(f"fetching {text}", err=True))
    today = datetime.now(UTC).date()
    try:
        made = asyncio.run(update(config.vulnerabilities.sources, state.vulnerability_data, known, today, hosts, tell))
    except UpdateError as error:
        raise click.ClickException(str(error)) from None
    counts = {name: len(system.releases) for name, system in made.systems.items()}
    if as_json:
        click.echo(json.dumps({"dated": made.dated.isoformat(), "releases": counts}))
    else:
        click.echo(
            f"Knowledge of {made.dated}: {counts['iOS']} releases of iOS, {len(made.known_exploited)} exploited CVEs"
        )


def _ask(config_path: Path, path: str) -> dict[str, Any]:
    config = load_or_exit(config_path, with_indicators=False).config
    try:
        endpoints = Endpoints.read(StateDir(config.state_dir).endpoints, config.collector)
        return asyncio.run(CollectorClient(endpoints).body(path))
    except PilotError as error:
        raise click.ClickException(str(error)) from None


def _say_age(data: dict[str, Any]) -> None:
    if data["old"]:
        click.echo(f"This knowledge is of {data['dated']} and old: run `seawall vulnerabilities update`.", err=True)
