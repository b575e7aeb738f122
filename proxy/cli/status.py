"""`seawall status`: ask the running gateway how it is, over its control socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from proxy.cli.options import config_option, load_or_exit
from proxy.control import ControlClient, ControlError
from proxy.state import StateDir
from proxy.supervisor import panel


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def status(config_path: Path, as_json: bool) -> None:
    """Show what the running gateway is doing. Exit 1 when none is running, 2 when the configuration is wrong."""
    state = StateDir(load_or_exit(config_path).config.state_dir)
    try:
        found = asyncio.run(_ask(state.control_socket))
    except ControlError as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        click.echo(json.dumps({name: value for name, value in found.items() if name not in ("id", "ok")}, indent=2))
    else:
        _show(found, Console(highlight=False))


async def _ask(path: Path) -> dict[str, Any]:
    client = ControlClient(path)
    try:
        return await client.call("status")
    finally:
        await client.close()


def _show(found: Mapping[str, Any], console: Console) -> None:
    panel.show(found, console)
    table = Table(box=None)
    for heading in ("process", "pid", "state", "restarts", "failed judgements", "events lost"):
        table.add_column(heading)
    for worker in found["workers"]:
        state = "ready" if worker["ready"] else "starting"
        numbers = (worker["restarts"], worker["failures"], worker["lost"])
        table.add_row(worker["role"], str(worker["pid"]), state, *map(str, numbers))
    console.print(table)
    delivery = found["delivery"]
    told = f"events: {delivery['delivered']} delivered, {delivery['rejected']} rejected"
    console.print(Text(f"{told}; they wait: {delivery['trouble']}" if delivery["trouble"] else told))
    budget = found["decryption"]
    console.print(
        Text(f"decrypted: {budget['opened']} connections; not enforced for lack of the CA: {budget['unenforced']}")
    )
    if budget["unseen"]:
        console.print(Text(f"downloads not looked into: {budget['unseen']} (`seawall report decryption`)"))
    if found["pins"]:
        console.print(Text(f"apps that refuse our certificate: {found['pins']} (`seawall pins list`)"))
    if found["paused_until"]:
        console.print(Text(f"paused until {found['paused_until']}: nothing is blocked"))
    if found["restart_to_apply"]:
        console.print(Text(f"restart to apply: {', '.join(found['restart_to_apply'])}"))
