"""A child of the supervisor: `python -m proxy.worker ROLE --config FILE`.

It fetches its settings from the supervisor, builds what every role needs and hands over to the role's `serve`.
Nothing of any role is known here but where its `serve` stands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from indicators.ports import Reporter
from proxy.control import ControlClient
from proxy.policy import LivePolicy
from proxy.secrets import Secrets
from proxy.state import StateDir

if TYPE_CHECKING:
    from proxy.config.load import LoadedConfig


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """Give a role all that it may use.

    `config` holds the ports really taken, never 0, for all listeners of the gateway (so a role knows the gateway's
    own ports from it); its `indicators` are empty, because indicators reach a worker through `policy` alone. A role
    binds its listeners, calls `ready`, serves until `stopping` is set, and then returns within two seconds.
    """

    config: LoadedConfig
    state: StateDir
    secrets: Secrets
    policy: LivePolicy
    reporter: Reporter
    control: ControlClient
    clock: Callable[[], datetime]
    stopping: asyncio.Event

    async def ready(self, bound: Mapping[str, str]) -> None:
        """Tell the supervisor that the listeners answer.

        Keys are `http_proxy`, `socks`, `transparent`, `dns`, `collector`; values `address:port` (IPv6 in brackets).
        """
        await self.control.call("ready", bound=dict(bound))
