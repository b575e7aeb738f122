"""`seawall ca show | export | rotate | uninstall`: the authority's certificate, for people. See `proxy/ca.py`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import click
from cryptography.hazmat.primitives import hashes

from proxy.ca import Authority, load, load_or_create, uninstall
from proxy.ca import rotate as rotate_authority
from proxy.config.errors import ConfigError
from proxy.config.load import load_config
from proxy.state import StateDir

_REMOVAL = """\
Remove it from every device that trusts it:
  Android   Settings > Security > Encryption & credentials > Trusted credentials > User
  iOS       Settings > General > VPN & Device Management > the profile > Remove
  Firefox   Settings > Privacy & Security > Certificates > View Certificates > Authorities
  Chrome    chrome://certificate-manager > Local certificates > Installed by you
  Linux     wherever you copied it, such as /usr/local/share/ca-certificates, then `update-ca-certificates --fresh`"""


@click.group()
def ca() -> None:
    """Show, export, rotate or uninstall the certificate authority that signs block pages and inspected sites."""


_config_option = click.option(
    "--config", "config_path", type=click.Path(path_type=Path), default="config.yaml", show_default=True
)


@ca.command("show")
@_config_option
def show(config_path: Path) -> None:
    """Say where the CA lies, its name, fingerprints and end of life."""
    state = _state(config_path)
    _describe(_or_fail(lambda: load(state, _now())))


@ca.command("export")
@_config_option
@click.option("--format", "form", type=click.Choice(["pem", "der"]), default="pem", show_default=True)
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="File to write; standard output without it."
)
def export(config_path: Path, form: Literal["pem", "der"], output: Path | None) -> None:
    """Write the CA certificate (never its key), for installation on a device. Makes the CA when there is none yet."""
    state = _state(config_path)
    text = _or_fail(lambda: load_or_create(state, _now())).encoded(form)
    if output is None:
        sys.stdout.buffer.write(text)
        return
    try:
        output.write_bytes(text)
    except OSError as error:
        raise click.ClickException(f"cannot write {output}: {error.strerror}") from None
    click.echo(f"wrote {output}")


@ca.command("rotate")
@_config_option
@click.confirmation_option(prompt="Every device will have to install the new CA. Replace it?")
def rotate(config_path: Path) -> None:
    """Replace the CA with a new one. A running gateway uses it after a restart."""
    state = _state(config_path)
    _describe(_or_fail(lambda: rotate_authority(state, _now())))
    click.echo("Restart the gateway, install this CA on your devices, and remove the old one there.")
    click.echo(_REMOVAL)


@ca.command("uninstall")
@_config_option
@click.confirmation_option(prompt="Delete the CA and its key?")
def uninstall_command(config_path: Path) -> None:
    """Delete the CA and its key, and say how to remove it from devices. The next start makes a new one."""
    state = _state(config_path)
    click.echo("deleted the CA and its key" if uninstall(state) else "there is no CA here")
    click.echo(_REMOVAL)


def _describe(found: Authority) -> None:
    click.echo(f"name         {found.name}")
    click.echo(f"certificate  {found.path}")
    click.echo(f"SHA-256      {found.fingerprint()}")
    click.echo(f"SHA-1        {found.fingerprint(hashes.SHA1())}")  # noqa: S303 - what devices show, not a signature
    click.echo(f"valid until  {found.expires:%Y-%m-%d}")


def _or_fail(find: Callable[[], Authority]) -> Authority:
    try:
        return find()
    except FileNotFoundError:
        raise click.ClickException("there is no CA yet: `seawall run` or `seawall ca export` makes it") from None
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None


def _state(config_path: Path) -> StateDir:
    try:
        return StateDir(load_config(config_path).config.state_dir)
    except ConfigError as error:
        click.echo(f"error: {error}", err=True)
        raise SystemExit(2) from None


def _now() -> datetime:
    return datetime.now(UTC)
