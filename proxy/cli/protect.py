"""`seawall protect on | off | status`: this computer's own traffic through the gateway. Work: `proxy/protect`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click
import psutil

from proxy import endpoints
from proxy.cli.options import config_option, load_or_exit
from proxy.dns.system_resolvers import SystemResolvers
from proxy.firewall.kernel import FirewallError
from proxy.firewall.plan import PlanError
from proxy.firewall.running import with_running_ports
from proxy.protect import shield
from proxy.protect.rules import Shield, shield_of
from proxy.state import StateDir

_WORDS = {
    shield.State.PROTECTED: "protected: a probe of this computer's traffic was answered by the gateway",
    shield.State.OFF: "off: this computer's traffic does not go through the gateway",
    shield.State.NOT_INTERCEPTED: "NOT protected: rules are in force, but a probe was not intercepted",
}
json_option = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")


@click.group()
def protect() -> None:
    """Route this computer's own traffic through the running gateway (Linux, nftables).

    Everything but what the gateway's own user sends is judged. `protect.on_crash` says what happens while the gateway
    is down: `open` lets traffic out unprotected after a few seconds, `closed` lets nothing out.
    """


@protect.command("on")
@config_option
@json_option
def on_command(config_path: Path, as_json: bool) -> None:
    """Put the rules in force and prove them by a probe. Needs root, and a gateway that runs as a user of its own.

    Exit 0 when the probe was intercepted; 1 when it was not or the kernel refuses, and then nothing has changed; 2 when
    the configuration is wrong.
    """
    wanted = _shield(config_path)
    try:
        shield.put_up(wanted)
    except FirewallError as error:
        _fail(str(error), as_json)
    after = f"after a crash of the gateway: {wanted.on_crash}"
    found = {"state": str(shield.State.PROTECTED), "on_crash": wanted.on_crash}
    click.echo(json.dumps(found) if as_json else f"{_WORDS[shield.State.PROTECTED]} ({after})")


@protect.command("off")
@json_option
def off_command(as_json: bool) -> None:
    """Take the rules away. Needs root; works without a gateway, and when there are none."""
    try:
        shield.take_down()
    except FirewallError as error:
        _fail(str(error), as_json)
    click.echo(json.dumps({"state": str(shield.State.OFF)}) if as_json else _WORDS[shield.State.OFF])


@protect.command("status")
@json_option
def status_command(as_json: bool) -> None:
    """Say whether this computer's traffic is intercepted, by a probe. Exit 0 only when it is."""
    found = shield.look()
    said = {"state": str(found.state), "rules": found.applied, "intercepted": found.intercepted}
    click.echo(json.dumps(said) if as_json else _WORDS[found.state])
    if found.state is not shield.State.PROTECTED:
        raise click.exceptions.Exit(1)


def _shield(config_path: Path) -> Shield:
    if sys.platform != "linux":
        raise click.ClickException(
            "rules need Linux; elsewhere set the system's proxy to the gateway (docs/protect.md)"
        )
    config = load_or_exit(config_path).config
    try:
        running = endpoints.read(StateDir(config.state_dir).endpoints)
        uid = psutil.Process(int(running["pid"])).uids().effective
    except PermissionError:
        raise click.ClickException("the gateway's state cannot be read: run this as root, with sudo") from None
    except (OSError, ValueError, KeyError, psutil.Error) as error:
        raise click.ClickException(str(error)) from None
    try:
        _require_no_loop(config.dns.upstreams)
        return shield_of(with_running_ports(config), uid)
    except PlanError as error:
        click.echo(f"error: {config_path}: {error}", err=True)
        raise click.exceptions.Exit(2) from None


def _require_no_loop(upstreams: Any) -> None:
    """Refuse a resolver of this machine as upstream: its own questions would come to the gateway, and so on."""
    if "system" not in upstreams:
        return
    for endpoint in SystemResolvers([], lambda: 0.0).endpoints():
        if endpoint.host.startswith("127.") or endpoint.host == "::1":
            raise PlanError(
                f"dns.upstreams: is `system`, which is {endpoint.host} here, a resolver on this computer that would "
                "ask the gateway in turn; name the resolvers themselves, such as [9.9.9.9]"
            )


def _fail(why: str, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"state": str(shield.State.OFF), "error": why}))
        raise click.exceptions.Exit(1)
    raise click.ClickException(why)
