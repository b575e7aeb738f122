"""`seawall service install`: run the gateway at every start of this computer. The work is in `proxy/service_unit`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from proxy.cli.options import config_option, load_or_exit
from proxy.service_unit import install as installing
from proxy.service_unit.unit import NAME, Paths, UnitError, unit

_PROGRAM = Path(__file__).resolve().parents[2]


@click.group()
def service() -> None:
    """Run the gateway as a service of systemd (Linux), as a user of its own and with no right that it does not need."""


@service.command("install")
@config_option
@click.option("--print", "only_print", is_flag=True, help="Print the unit and write nothing.")
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=installing.FOLDER,
    show_default=True,
    help="Where units are.",
)
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def install_command(config_path: Path, only_print: bool, directory: Path, as_json: bool) -> None:
    """Write a hardened unit file for this configuration. Needs root, but for --print.

    The user of `user:` must be there, own `state_dir` and be able to read the configuration. Exit 1 when the file
    cannot be written, 2 when the configuration does not do.
    """
    config = load_or_exit(config_path).config
    paths = Paths(Path(sys.executable), _PROGRAM, config_path.absolute())
    try:
        text = unit(config, paths)
    except UnitError as error:
        click.echo(f"error: {config_path}: {error}", err=True)
        raise click.exceptions.Exit(2) from None
    if only_print:
        click.echo(json.dumps({"name": NAME, "unit": text}) if as_json else text, nl=as_json)
        return
    try:
        path = installing.install(text, directory)
    except OSError as error:
        raise click.ClickException(f"{directory}: {error.strerror}; run this as root, or use --print") from None
    follows = "systemctl daemon-reload && systemctl enable --now seawall"
    click.echo(json.dumps({"path": str(path), "next": follows}) if as_json else f"{path} written. Now:\n  {follows}")
