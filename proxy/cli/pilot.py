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
from proxy.pilot.checks import Check, run_checks
from proxy.pilot.clients import Endpoints, PilotError
from proxy.state import StateDir


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def pilot(config_path: Path, as_json: bool) -> None:
    """Try the running gateway for real.

    A client goes through the proxy and through DNS; the phishing test and the malware test file must be blocked, the
    device must be in the inventory and the alerts in the console, all with this run's nonce. Nothing leaves this
    machine. Exit 0 only if all four checks hold, 1 if one does not, 2 if the configuration is wrong.
    """
    state = StateDir(load_or_exit(config_path).config.state_dir)
    nonce = secrets.token_hex(6)
    try:
        checks = asyncio.run(run_checks(Endpoints.read(state.endpoints), nonce))
    except PilotError as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        click.echo(json.dumps({"nonce": nonce, "checks": [asdict(check) for check in checks]}, indent=2))
    else:
        _show(checks, nonce)
    if not all(check.passed for check in checks):
        raise click.exceptions.Exit(1)


def _show(checks: list[Check], nonce: str) -> None:
    """Print the table; evidence is text from outside and is never read as markup."""
    table = Table(title=f"Pilot run {nonce}")
    for heading in ("check", "holds", "evidence"):
        table.add_column(heading, overflow="fold")
    for check in checks:
        table.add_row(check.name, "yes" if check.passed else "NO", Text(check.evidence))
    Console().print(table)
