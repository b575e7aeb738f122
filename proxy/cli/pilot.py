"""`seawall pilot`: try the running gateway for real and print a table of evidence. The checks are in `proxy/pilot`."""

from __future__ import annotations

import asyncio
import json
import secrets
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from proxy.cli.options import config_option, load_or_exit
from proxy.config.model import Config
from proxy.pilot.borrowing import borrowed
from proxy.pilot.checks import Check, run_checks
from proxy.pilot.clients import Endpoints, PilotError
from proxy.state import StateDir


@click.command()
@config_option
@click.option("--device", default="", metavar="NAME", help="Run as this device; one not known is enrolled for the run.")
@click.option(
    "--tunnel", is_flag=True, help="Come through the device's tunnel (root): WireGuard in a network of its own."
)
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def pilot(config_path: Path, device: str, tunnel: bool, as_json: bool) -> None:
    """Try the running gateway for real.

    A client goes through the proxy and through DNS. The phishing test must be blocked, and so must the malware test
    file: alone, in an archive and in an app, by HTTP and HTTPS. The device must be in the inventory and the alerts in
    the console, all with this run's nonce. Nothing leaves this machine. Exit 0 only if all checks hold, 1 if one does
    not, 2 if the configuration is wrong.

    With --device it runs as that device would, from enrolment to alert: by the device's proxy credentials, and by its
    token over DNS over HTTPS where that is served; a fifth check requires the alerts to name it. A device that is known
    keeps its own credentials: a second set is lent for the run. With --tunnel it comes through the device's tunnel
    instead, as apps do; of a device that is known this needs the key that `devices add --keep-key` kept.
    """
    if tunnel and not device:
        raise click.UsageError("--tunnel needs --device: a tunnel is one device's")
    config = load_or_exit(config_path).config
    nonce = secrets.token_hex(6)
    try:
        checks = asyncio.run(_run(config, nonce, device, tunnel=tunnel))
    except PilotError as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        click.echo(json.dumps({"nonce": nonce, "checks": [asdict(check) for check in checks]}, indent=2))
    else:
        _show(checks, nonce)
    if not all(check.passed for check in checks):
        raise click.exceptions.Exit(1)


async def _run(config: Config, nonce: str, device: str, *, tunnel: bool) -> list[Check]:
    endpoints, packed = _endpoints(config), config.scan.enabled
    if not device:
        return await run_checks(endpoints, nonce, packed=packed)
    async with borrowed(StateDir(config.state_dir).control_socket, device, tunnel=tunnel) as who:
        return await run_checks(endpoints, nonce, packed=packed, device=who)


def _endpoints(config: Config) -> Endpoints:
    return Endpoints.read(StateDir(config.state_dir).endpoints, config.collector)


def _show(checks: list[Check], nonce: str) -> None:
    """Print the table; evidence is text from outside and is never read as markup."""
    table = Table(title=f"Pilot run {nonce}")
    for heading in ("check", "holds", "evidence"):
        table.add_column(heading, overflow="fold")
    for check in checks:
        table.add_row(check.name, "yes" if check.passed else "NO", Text(check.evidence))
    Console().print(table)
