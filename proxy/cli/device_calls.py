"""Ask for one operation on devices: the running gateway does it, or this process under the gateway's lock."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from proxy.cli.options import load_or_exit
from proxy.config.model import Config
from proxy.control import ControlClient, ControlError
from proxy.control.server import Peer
from proxy.secrets import load_or_create
from proxy.state import StateDir
from proxy.supervisor.device_operations import DeviceOperations
from proxy.supervisor.lock import StateLock, StateLockedError
from proxy.supervisor.tunnel_desk import TunnelDesk


def call(config_path: Path, op: str, **fields: Any) -> dict[str, Any]:
    """Do one operation: under the gateway's lock where none runs, else by asking it. Exit 1 with the reason."""
    config = load_or_exit(config_path, with_indicators=False).config
    state = StateDir(config.state_dir)
    try:
        state.prepare()
        try:
            lock = StateLock(state.root)
        except StateLockedError:
            return asyncio.run(_ask(state, op, fields))
        try:
            return asyncio.run(_alone(config, state, op, fields))
        finally:
            lock.release()
    except (ControlError, ValueError, OSError) as error:
        raise click.ClickException(str(error)) from None


async def _ask(state: StateDir, op: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    client = ControlClient(state.control_socket)
    try:
        return await client.call(op, **fields)
    finally:
        await client.close()


async def _alone(config: Config, state: StateDir, op: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    key = load_or_create(state).device_key
    operations = DeviceOperations.of(config, state, key, TunnelDesk.of(config, state))
    return dict(await operations.handlers()[op](Peer(0, 0), fields))
