"""`seawall devices`: the registry of devices. Changed by the running gateway; by this command where none runs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from proxy.cli.device_calls import call
from proxy.cli.handing_out import HandingOut, hand_out, options
from proxy.cli.options import config_option, load_or_exit
from proxy.cli.tables import table
from proxy.control import ControlClient, ControlError
from proxy.enrolment import coverage
from proxy.state import StateDir

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def devices() -> None:
    """Enrol devices: make each known by more than its address, and hand out what it needs.

    A device that is known keeps its name, group and history wherever it connects from, and may ask over encrypted DNS
    from any network. A device is named by its name or id.

    \b
      seawall devices add "Anna's phone" --group children
      seawall devices show "Anna's phone"       # with what is seen of it, and what is missed
      seawall devices rotate "Anna's phone"     # the old token, password and key end at once
      seawall devices revoke "Anna's phone"
    """  # noqa: D301 - click wants the control character itself


@devices.command("add")
@click.argument("name")
@click.option("--group", default="", help="Device group it belongs to.  [default: default]")
@options
@config_option
@_json
def add(name: str, group: str, config_path: Path, as_json: bool, **how: Any) -> None:
    """Enrol a device: show its QR code and credentials, and write its files.

    The files are a WireGuard configuration and Apple profiles where the gateway has a tunnel, profiles for encrypted
    DNS and for a supervised device's proxy, and the CA certificate. Secrets are shown once; the gateway keeps hashes.
    """
    with HandingOut(config_path, as_json, **how) as handing:
        handing.check(name)
        hand_out(handing, call(config_path, "device_add", name=name, group=group, keep_key=handing.keep_key))


@devices.command("list")
@config_option
@_json
def list_(config_path: Path, as_json: bool) -> None:
    """List the devices that were added. Those known by their address alone are in the console."""
    found = call(config_path, "devices")["devices"]
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    rows = [
        (one["name"], _group_of(one), one["created"][:10], ", ".join(one["credentials"]), one["id"]) for one in found
    ]
    table(("name", "group", "added", "known by", "id"), rows)


@devices.command("show")
@click.argument("device")
@config_option
@_json
def show(device: str, config_path: Path, as_json: bool) -> None:
    """Show one device, and its coverage: what the gateway sees of it by each way, and what it misses.

    Its token, password and key cannot be shown again: `rotate` makes others.
    """
    found = call(config_path, "devices")["devices"]
    wanted = [one for one in found if device == one["id"] or device.casefold() == one["name"].casefold()]
    if not wanted:
        raise click.ClickException(f"no device is called {device!r}; `seawall devices list` names them")
    ways = coverage.coverage_of(wanted[0]["credentials"])
    lately = _seen_lately(config_path, wanted[0]["id"])
    if as_json:
        shown = {"coverage": coverage.as_json(ways), "never": coverage.NEVER, "seen": lately}
        click.echo(json.dumps({**wanted[0], **shown}, indent=2))
        return
    _print({**wanted[0], "group": _group_of(wanted[0]), "group_by_rules": ""}, as_json=False)
    click.echo("\nCoverage:")
    table(("way", "what is seen", "what is missed"), [(one.title, one.sees, one.misses) for one in ways])
    click.echo(f"Never seen: {coverage.NEVER}.")
    _print_seen(lately)


def _group_of(one: Mapping[str, Any]) -> str:
    """Return the group that holds: the one it was put into, or the one that rules of the configuration say."""
    ruled = one.get("group_by_rules")
    return f"{ruled} (rule)" if ruled else str(one["group"])


def _seen_lately(config_path: Path, device: str) -> dict[str, Any] | None:
    """Return what the running gateway has seen of a device lately; nothing where none runs, or it was not seen."""
    state = StateDir(load_or_exit(config_path, with_indicators=False).config.state_dir)
    try:
        found = asyncio.run(_ask_coverage(state))
    except (ControlError, OSError):
        return None
    return next((dict(each) for each in found if each["device"] == device), None)


async def _ask_coverage(state: StateDir) -> list[Mapping[str, Any]]:
    client = ControlClient(state.control_socket)
    try:
        return list((await client.call("coverage"))["coverage"])
    finally:
        await client.close()


def _print_seen(lately: Mapping[str, Any] | None) -> None:
    if lately is None:
        click.echo("\nLately: nothing was seen of it, or no gateway runs here.")
        return
    says = "signs of protection" if lately["protected"] else "signs that it is not protected"
    click.echo(f"\nLately: {lately['score']} of 100, {says}. Signs, not findings:")
    for name, label in (
        ("last_handshake", "last handshake"),
        ("last_dns", "last DNS"),
        ("last_connection", "last seen"),
    ):
        if lately[name]:
            click.echo(f"  {label + ':':<16}{lately[name]}")
    for reason in lately["reasons"]:
        click.echo(f"  - {reason}")


@devices.command("rename")
@click.argument("device")
@click.argument("name")
@config_option
@_json
def rename(device: str, name: str, config_path: Path, as_json: bool) -> None:
    """Give a device another name. Its history stays with it."""
    _print(call(config_path, "device_rename", device=device, name=name)["device"], as_json)


def _group_command(name: str, help_text: str) -> Callable[..., object]:
    @devices.command(name, help=help_text, hidden=name != "group")
    @click.argument("device")
    @click.argument("group")
    @config_option
    @_json
    def run(device: str, group: str, config_path: Path, as_json: bool) -> None:
        _print(call(config_path, "device_move", device=device, group=group)["device"], as_json)

    return run


_group_command("group", "Put a device into another group.")
_group_command("move", "Put a device into another group: the older word for `group`.")


@devices.command("tag")
@click.argument("device")
@click.argument("tags", nargs=-1)
@click.option("--platform", default="", help="What it is, such as android, ios or windows.")
@config_option
@_json
def tag(device: str, tags: tuple[str, ...], platform: str, config_path: Path, as_json: bool) -> None:
    """Say what a device is, for the rules of device groups; the tags given replace those it had."""
    wrong = next((one for one in tags if "," in one), None)
    if wrong is not None:
        raise click.BadParameter(f"a tag has no comma: {wrong}")
    _print(call(config_path, "device_tag", device=device, tags=",".join(tags), platform=platform)["device"], as_json)


@devices.command("rotate")
@click.argument("device")
@options
@config_option
@_json
def rotate(device: str, config_path: Path, as_json: bool, **how: Any) -> None:
    """Give a device new credentials and a new tunnel key, and hand them out. The old ones end at once."""
    with HandingOut(config_path, as_json, replace=True, **how) as handing:
        handing.check()
        hand_out(handing, call(config_path, "device_rotate", device=device, keep_key=handing.keep_key))


@devices.command("revoke")
@click.argument("device")
@config_option
@_json
def revoke(device: str, config_path: Path, as_json: bool) -> None:
    """Forget a device: its token, password and tunnel key end at once."""
    found = call(config_path, "device_revoke", device=device)["device"]
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        click.echo(f"{found['name']} is no longer known")


def _print(device: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(device, indent=2))
        return
    for name, value in device.items():
        if value:
            click.echo(f"{name + ':':<13}{', '.join(map(str, value)) if isinstance(value, list) else value}")
