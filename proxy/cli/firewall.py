"""`seawall firewall print | apply | remove`: route devices' traffic in here. The work is in `proxy/firewall`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import click

from proxy.cli.options import config_option, load_or_exit
from proxy.firewall import forwarding, rules
from proxy.firewall.kernel import FirewallError
from proxy.firewall.plan import Plan, PlanError, plan_of
from proxy.firewall.running import with_running_ports
from proxy.wireguard import leftovers

json_option = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")


@click.group()
def firewall() -> None:
    """Route the traffic of devices behind this machine into the gateway (Linux, nftables).

    `firewall.interfaces` and `firewall.networks` in config.yaml say whose. Their TCP goes to the front, their DNS to
    the interceptor; QUIC and DNS over TLS are refused, so that programs fall back at once. All rules stand in the
    table `inet seawall`; other rules are not touched.
    """


@firewall.command("print")
@config_option
@json_option
def print_command(config_path: Path, as_json: bool) -> None:
    """Print the rules that `apply` would put in force; needs no right, and changes nothing.

    Exit 2 when the configuration does not say whose traffic, or sends it where nobody listens.
    """
    text = rules.forwarding(_plan(config_path))
    click.echo(json.dumps({"table": f"inet {rules.TABLE}", "rules": text}) if as_json else text, nl=as_json)


@firewall.command("apply")
@config_option
@json_option
def apply_command(config_path: Path, as_json: bool) -> None:
    """Put the rules in force, all at once, in place of what was applied before. Needs root.

    Exit 1 when the kernel refuses, and then nothing has changed; 2 when the configuration is wrong.
    """
    plan = _plan(config_path)
    _done(lambda: forwarding.apply(plan), "applied", as_json)


@firewall.command("remove")
@json_option
def remove_command(as_json: bool) -> None:
    """Take the rules away. Needs root; works without a configuration, after a crash, and when there are none.

    What a gateway that was killed left of its tunnel goes too: interface, socket and rules. A running one's stays.
    """
    _done(_remove, "removed", as_json)


def _remove() -> None:
    forwarding.remove()
    leftovers.remove()


def _plan(config_path: Path) -> Plan:
    config = with_running_ports(load_or_exit(config_path).config)
    try:
        return plan_of(config)
    except PlanError as error:
        click.echo(f"error: {config_path}: {error}", err=True)
        raise click.exceptions.Exit(2) from None


def _done(what: Callable[[], None], word: str, as_json: bool) -> None:
    try:
        what()
    except FirewallError as error:
        if as_json:
            click.echo(json.dumps({"done": False, "error": str(error)}))
            raise click.exceptions.Exit(1) from None
        raise click.ClickException(str(error)) from None
    click.echo(json.dumps({"done": True, "table": f"inet {rules.TABLE}", "what": word}) if as_json else f"rules {word}")
