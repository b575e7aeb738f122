"""`seawall run`: start the gateway and keep it running until Ctrl-C or SIGTERM."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import click

from proxy import logs
from proxy.cli.options import config_option, load_or_exit
from proxy.emulator import detach_all, record_of
from proxy.privileges import leave_root
from proxy.protect.ways import end_what_a_crash_left
from proxy.supervisor.gateway import Gateway
from proxy.supervisor.lock import StateLockedError
from proxy.supervisor.starting import StartError
from proxy.wireguard.backend import TunnelError


@click.command()
@config_option
@click.option("--log-level", type=click.Choice(logs.LEVELS), default="info", show_default=True)
def run(config_path: Path, log_level: str) -> None:
    """Start the gateway.

    Prints where to point an emulator, a phone or a program, and serves until Ctrl-C; emulators attached meanwhile are
    detached at the end. Started as root it becomes the `user:` of the configuration. Exit 1 when it cannot start, such
    as when a port is in use; 2 when the configuration is wrong.
    """
    logs.configure(log_level)
    loaded = load_or_exit(config_path)
    try:
        ended = end_what_a_crash_left(loaded.config.state_dir)  # may need root
        for warning in filter(None, (ended, leave_root(loaded.config, loaded.path))):
            click.echo(f"warning: {warning}", err=True)
        gateway = Gateway(loaded, level=log_level)
        asyncio.run(_serve(gateway))
    except (OSError, ValueError, StateLockedError, StartError, TunnelError) as error:
        raise click.ClickException(logs.clean(str(error))) from None
    still_attached = detach_all(record_of(loaded.config.state_dir))
    if still_attached:
        click.echo(still_attached, err=True)


async def _serve(gateway: Gateway) -> None:
    """Stop in order at the first signal, at once at the second."""
    stopping = asyncio.Event()

    def stop() -> None:
        if stopping.is_set():
            os._exit(1)
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    await gateway.run(stopping)
