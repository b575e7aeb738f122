"""`seawall pins`: apps that refuse our certificate, and are passed undecrypted for a while."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from proxy.cli.options import config_option, load_or_exit
from proxy.control import ControlClient, ControlError
from proxy.state import StateDir


@click.group()
def pins() -> None:
    """Show and forget apps that refuse our certificate (certificate pinning)."""


@pins.command("list")
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
def list_pins(config_path: Path, as_json: bool) -> None:
    """List apps that are passed undecrypted because they refused our certificate twice, and until when.

    A host with listed URLs is still inspected, unless `policy.pinning: splice`.
    """
    found = _call(config_path, "pins")["pins"]
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    table = Table(box=None)
    for heading in ("device", "host", "app (JA4)", "until"):
        table.add_column(heading)
    for pin in found:
        table.add_row(*(Text(str(pin[name])) for name in ("name", "host", "ja4", "until")))
    Console(highlight=False).print(table if found else "No app has refused our certificate.")


@pins.command()
@config_option
@click.option("--host", default="", help="Only those of this host.")
@click.option("--device", default="", help="Only those of the device with this id.")
def clear(config_path: Path, host: str, device: str) -> None:
    """Forget them, so that they are tried anew at once: all, or those of a host or a device."""
    removed = _call(config_path, "unpin", host=host, device=device)["removed"]
    click.echo(f"{removed} forgotten")


def _call(config_path: Path, operation: str, **fields: Any) -> dict[str, Any]:
    state = StateDir(load_or_exit(config_path).config.state_dir)

    async def ask() -> dict[str, Any]:
        client = ControlClient(state.control_socket)
        try:
            return await client.call(operation, **fields)
        finally:
            await client.close()

    try:
        return asyncio.run(ask())
    except ControlError as error:
        raise click.ClickException(str(error)) from None
