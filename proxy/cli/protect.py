"""`seawall protect on | off | status`: this computer's own traffic through the gateway. Work: `proxy/protect`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NoReturn

import click

from proxy.cli.options import config_option, load, load_or_exit
from proxy.config.errors import ConfigError
from proxy.firewall.kernel import FirewallError
from proxy.firewall.plan import PlanError
from proxy.protect.way import ProtectError, State, Way
from proxy.protect.ways import way_here

_WORDS = {
    State.PROTECTED: "protected: a probe of this computer's traffic was answered by the gateway",
    State.OFF: "off: this computer's traffic does not go through the gateway",
    State.NOT_INTERCEPTED: "NOT protected: {name} are in force, but a probe was not intercepted",
}
json_option = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")


@click.group()
def protect() -> None:
    """Route this computer's own traffic through the running gateway (nftables, or the system's proxy settings).

    By rules (Linux) everything but what the gateway's own user sends is judged; by settings (macOS, GNOME) what
    programs send that heed them. `protect.way` chooses, and `protect.on_crash` says what happens while the gateway is
    down: `open` lets traffic out unprotected after a few seconds, `closed` lets nothing out.
    """


@protect.command("on")
@config_option
@json_option
def on_command(config_path: Path, as_json: bool) -> None:
    """Put rules or settings in force and prove them by a probe. Rules need root, and a gateway of a user of its own.

    Exit 0 when the probe was intercepted; 1 when it was not or the system refuses, and then nothing has changed; 2 when
    the configuration is wrong.
    """
    config = load_or_exit(config_path).config
    try:
        way = way_here(config.protect.way, lambda: config.state_dir)
        way.put_up(config)
    except PlanError as error:
        click.echo(f"error: {config_path}: {error}", err=True)
        raise click.exceptions.Exit(2) from None
    except (FirewallError, ProtectError) as error:
        _fail(str(error), as_json)
    on_crash = config.protect.on_crash
    found = {"state": str(State.PROTECTED), "on_crash": on_crash, "way": way.name}
    text = f"{_WORDS[State.PROTECTED]} (after a crash of the gateway: {way.after_crash(on_crash)})"
    click.echo(json.dumps(found) if as_json else text)


@protect.command("off")
@config_option
@json_option
def off_command(config_path: Path, as_json: bool) -> None:
    """Take the rules away, or put the settings from before back; works without a gateway, and when there are none.

    Rules need root. The configuration says which it is, and where the settings from before are kept.
    """
    try:
        _way(config_path).take_down()
    except (FirewallError, ProtectError) as error:
        _fail(str(error), as_json)
    click.echo(json.dumps({"state": str(State.OFF)}) if as_json else _WORDS[State.OFF])


@protect.command("status")
@config_option
@json_option
def status_command(config_path: Path, as_json: bool) -> None:
    """Say whether this computer's traffic is intercepted, by a probe. Exit 0 only when it is."""
    try:
        way = _way(config_path)
        found = way.look()
    except ProtectError as error:
        _fail(str(error), as_json)
    said = {"state": str(found.state), way.name: found.applied, "intercepted": found.intercepted}
    click.echo(json.dumps(said) if as_json else _WORDS[found.state].format(name=way.name))
    if found.state is not State.PROTECTED:
        raise click.exceptions.Exit(1)


def _way(config_path: Path) -> Way:
    """Return the way that the configuration names. Rules can be taken away whatever has become of it."""
    try:
        wanted = load(config_path, with_indicators=False).config.protect.way
    except ConfigError:
        wanted = "auto"
    return way_here(wanted, lambda: load_or_exit(config_path).config.state_dir)


def _fail(why: str, as_json: bool) -> NoReturn:
    if as_json:
        click.echo(json.dumps({"state": str(State.OFF), "error": why}))
        raise click.exceptions.Exit(1)
    raise click.ClickException(why)
