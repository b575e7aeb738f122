"""`seawall emulator attach | detach`: the steps of docs/emulator.md over adb. The work is in `proxy/emulator.py`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from proxy.cli.options import config_option, load_or_exit
from proxy.emulator import CA_ON_DEVICE, Adb, Attached, EmulatorError, attach, detach, record_of
from proxy.state import StateDir


@click.group()
def emulator() -> None:
    """Route an Android emulator (or a phone on USB) through the running gateway over adb, and undo it.

    `seawall run` detaches at its end what was attached here, so that no emulator is left without a network.
    """


@emulator.command("attach")
@config_option
@click.option("--serial", help="Which device, as `adb devices` lists it; needed only when there are several.")
def attach_command(config_path: Path, serial: str | None) -> None:
    """Set the global proxy of an emulator to the gateway and put the CA into its downloads."""
    state = _state(config_path)
    try:
        endpoints = json.loads(state.endpoints.read_text())
        port = int(str(endpoints["http_proxy"]).rpartition(":")[2])
    except (OSError, ValueError, KeyError):
        raise click.ClickException(
            "no gateway is running with this configuration: start it with `seawall run`"
        ) from None
    try:
        done = attach(Adb(), serial, port, Path(endpoints["ca"]), record_of(state.root))
    except EmulatorError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{done.serial}: http_proxy is {done.proxy}")
    click.echo(f"The CA lies in {CA_ON_DEVICE}. Install it: Settings > Security > Encryption & credentials >")
    click.echo("Install a certificate > CA certificate. Then open https://smartscreentestratings2.net in Chrome.")


@emulator.command("detach")
@config_option
@click.argument("serials", nargs=-1)
def detach_command(config_path: Path, serials: tuple[str, ...]) -> None:
    """Give the devices attached (all, or those named) their former proxy setting back."""
    state = _state(config_path)
    try:
        done: list[Attached] = detach(Adb(), list(serials), record_of(state.root))
    except EmulatorError as error:
        raise click.ClickException(str(error)) from None
    for entry in done:
        click.echo(f"{entry.serial}: http_proxy is {entry.before or 'cleared'}")
    if not done:
        click.echo("nothing was attached")


def _state(config_path: Path) -> StateDir:
    return StateDir(load_or_exit(config_path).config.state_dir)
