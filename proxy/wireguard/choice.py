"""Which backend carries the tunnel here, decided once at the start of a gateway; the one place that knows both.

`auto` takes the kernel's where an interface can really be made, and says why where it cannot.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from proxy.config.model import Config
from proxy.config.sections.wireguard import WireguardConfig
from proxy.state import StateDir
from proxy.wireguard import kernel_backend
from proxy.wireguard.backend import TunnelBackend, TunnelError
from proxy.wireguard.kernel_backend import KernelBackend
from proxy.wireguard.keys import server_keys
from proxy.wireguard.plan import plan_of
from proxy.wireguard.userspace.backend import UserspaceBackend

log = structlog.get_logger("tunnel")


@dataclass(frozen=True, slots=True)
class Chosen:
    """Hold the configuration with `wireguard.backend` decided, and the keeper of the interface, if there is one."""

    config: Config
    keeper: socket.socket | None = None


def chosen(config: Config, start: Callable[[str], socket.socket] = kernel_backend.start_keeper) -> Chosen:
    """Decide. Raises TunnelError where `backend: kernel` cannot be had, saying what to do."""
    tunnel = config.wireguard
    if not tunnel.enabled or is_userspace(tunnel):
        return Chosen(config)
    try:
        return Chosen(_with(config, "kernel"), kernel_backend.kept() or _started(tunnel.interface, start))
    except TunnelError as error:
        if tunnel.backend == "kernel":
            raise
        log.warning("the tunnel runs in user space, which is slower", reason=str(error))
        return Chosen(_with(config, "userspace"))


def is_userspace(tunnel: WireguardConfig) -> bool:
    """Say whether devices come through listeners of their own, in a process of ours."""
    return tunnel.enabled and tunnel.backend == "userspace"


def backend_of(decided: Chosen, config: Config, state: StateDir) -> TunnelBackend | None:
    """Return the backend that was decided for, with the ports of `config`; none where there is no tunnel."""
    if is_userspace(config.wireguard):
        return UserspaceBackend(state.tunnel_socket)
    if decided.keeper is None:
        return None
    return KernelBackend(decided.keeper, plan_of(config, server_keys(state).private))


def _started(interface: str, start: Callable[[str], socket.socket]) -> socket.socket:
    if sys.platform != "linux":
        raise TunnelError("wireguard.backend: `kernel` needs Linux; set `backend: userspace`")
    return start(interface)


def _with(config: Config, backend: str) -> Config:
    return config.model_copy(update={"wireguard": config.wireguard.model_copy(update={"backend": backend})})
