"""`seawall allow`, `pause` and `resume`: daily life with a running gateway, told over its control socket."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from indicators.hosts import canonical_host
from proxy.cli.options import config_option, load_or_exit
from proxy.config.values import parse_duration
from proxy.control import ControlClient, ControlError
from proxy.state import StateDir

_LONGEST = timedelta(days=30)


class Duration(click.ParamType[timedelta]):
    """Read a duration such as 5m, 1h or 7d, up to 30 days."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Return the duration, or fail saying what was expected."""
        try:
            found = parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if not timedelta() < found <= _LONGEST:
            self.fail(f"expected more than zero and at most {_LONGEST.days}d, got {value!r}", param, ctx)
        return found


class Host(click.ParamType[str]):
    """Read a host name or address; a URL is refused, because it would allow more than it says."""

    name = "host"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the canonical host, or fail saying what was expected."""
        try:
            return canonical_host(str(value))
        except ValueError as error:
            self.fail(f"expected a host such as www.example.com: {error}", param, ctx)


@click.command()
@click.argument("host", type=Host())
@click.option("--for", "duration", type=Duration(), default="1h", show_default=True, help="How long: 10m, 1h, 7d.")
@config_option
def allow(host: str, duration: timedelta, config_path: Path) -> None:
    """Let HOST and its subdomains through for a while, whatever feeds say.

    For good, write it down: seawall indicators add HOST --action allow
    """
    reply = _tell(config_path, "allow", host=host, seconds=round(duration.total_seconds()))
    click.echo(f"{host} is allowed until {_until(reply)}")


@click.command()
@click.argument("duration", type=Duration())
@config_option
def pause(duration: timedelta, config_path: Path) -> None:
    """Stop blocking for a few minutes, for every device; what would have been blocked is still recorded."""
    reply = _tell(config_path, "pause", seconds=round(duration.total_seconds()))
    click.echo(f"blocking is paused until {_until(reply)}; `seawall resume` ends it")


@click.command()
@config_option
def resume(config_path: Path) -> None:
    """End a pause early."""
    _tell(config_path, "resume")
    click.echo("blocking again")


def _tell(config_path: Path, op: str, **fields: object) -> dict[str, Any]:
    """Ask the running gateway for one operation, or exit 1 with the reason."""
    state = StateDir(load_or_exit(config_path, with_indicators=False).config.state_dir)
    try:
        return asyncio.run(_call(state.control_socket, op, fields))
    except ControlError as error:
        raise click.ClickException(str(error)) from None


async def _call(socket: Path, op: str, fields: dict[str, object]) -> dict[str, Any]:
    client = ControlClient(socket)
    try:
        return await client.call(op, **fields)
    finally:
        await client.close()


def _until(reply: dict[str, Any]) -> str:
    """Write the time that the gateway answered, in this machine's zone."""
    when = datetime.fromisoformat(str(reply["until"])).astimezone()
    today = when.date() == datetime.now(UTC).astimezone().date()
    return f"{when:%H:%M}" if today else f"{when:%Y-%m-%d %H:%M}"
