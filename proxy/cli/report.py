"""`seawall report`: what the gateway opened and why, what it could not enforce, and what it never opens."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from proxy.cli.options import config_option, load_or_exit
from proxy.decryption_budget import KINDS, OPENED, UNENFORCED, UNSEEN, Report
from proxy.decryption_budget import report as counted
from proxy.inspect_lists import known_hosts

_TITLES = {
    OPENED: "connections decrypted",
    UNENFORCED: "connections passed unopened, though URLs on their hosts are listed (no CA on the device)",
    UNSEEN: "downloads passed that were not looked into to their end",
}
_WHY = {OPENED: "for", UNENFORCED: "host", UNSEEN: "because"}


@click.group()
def report() -> None:
    """Report what was decrypted and why, and what never is."""


@report.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def decryption(config_path: Path, as_json: bool) -> None:
    """Show the decryption budget: what was opened for which indicator and device, and what was not enforced.

    Counts are of all processes since the state directory was made; they lag by two seconds.
    """
    found = counted(load_or_exit(config_path).config.state_dir / "decryption")
    if as_json:
        click.echo(json.dumps(found.to_json(), indent=2))
    else:
        _show(found, Console(highlight=False))


@report.command("never-inspect")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
def never_inspect(as_json: bool) -> None:
    """Print the well-known hosts that are never decrypted (`never_inspect_known`)."""
    if as_json:
        click.echo(json.dumps([{"kind": kind, "host": host} for kind, host in known_hosts()], indent=2))
        return
    last = ""
    for kind, host in known_hosts():
        if kind != last:
            click.echo(f"# {kind}")
        last = kind
        click.echo(host)


def _show(found: Report, console: Console) -> None:
    if found.since:
        console.print(Text(f"since {found.since}"))
    for what in KINDS:
        console.print(Text(f"{found.total(what)} {_TITLES[what]}"))
        table = Table(box=None)
        for heading in ("count", "device", _WHY[what]):
            table.add_column(heading)
        for row in found.rows:
            if row.what == what:
                table.add_row(str(row.count), Text(row.name), Text(row.why))
        if table.row_count:
            console.print(table)
