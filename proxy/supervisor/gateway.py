"""The running gateway: puts the supervisor's parts together, starts the processes in order and stops them again.

Each part does its own work; here is only who is started when, and what the whole is told.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import structlog

from proxy import ca, endpoints
from proxy.config.load import LoadedConfig
from proxy.control.server import ControlServer, Peer
from proxy.feeds.updater import FeedUpdater
from proxy.overlay_store import OverlayStore
from proxy.policy import LivePolicy
from proxy.reporting.collector_client import CollectorClient
from proxy.reporting.delivery import Delivery
from proxy.roles import COLLECTOR, ROLES, Role
from proxy.secrets import load_or_create
from proxy.state import StateDir
from proxy.supervisor import panel
from proxy.supervisor.child import Child, worker_command
from proxy.supervisor.custom import CustomIndicators
from proxy.supervisor.lock import StateLock
from proxy.supervisor.operations import Operations
from proxy.supervisor.overlay_desk import OverlayDesk
from proxy.supervisor.ports import PortError, Ports
from proxy.supervisor.roster import Roster
from proxy.supervisor.starting import kept_running, until_all_answer
from proxy.supervisor.status import describe, for_collector

STATUS_INTERVAL = 10.0  # seconds between tellings where nothing changes
_LOOK = 0.5  # seconds between looks for a change of status
_DRAIN = 1.5  # seconds
_SHOWN = frozenset(("http_proxy", "socks", "transparent", "dns", "collector", "ca"))

log = structlog.get_logger("supervisor")


class Gateway:
    """Run one gateway until told to stop. `config` has the ports filled in."""

    def __init__(
        self,
        loaded: LoadedConfig,
        *,
        level: str = "info",
        roles: Sequence[Role] | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        started: Callable[[Mapping[str, Any]], None] = panel.show,
    ) -> None:
        """Take state directory and ports. Raises PermissionError, StateLockedError or PortError, each saying why."""
        self.state = StateDir(loaded.config.state_dir)
        self.state.prepare()
        self._lock = StateLock(self.state.root)
        self.state.endpoints.unlink(missing_ok=True)  # of a gateway that was killed
        self._loaded, self._clock, self._started = loaded, clock, started
        self._secrets = load_or_create(self.state)
        self._ports = self._taken_ports()
        self.config = self._ports.filled_in(loaded.config)
        self._authority = ca.load_or_create(self.state, clock())
        self.roster = Roster(self.config, self._ports.numbers, self._children(roles or _roles(loaded), level))
        self._store = OverlayStore(self.state.overlay_database)
        self._desk = OverlayDesk(self._store, self.state.overlay, clock)
        self._custom = CustomIndicators(loaded, self._desk.take_custom)
        self._policy = LivePolicy(self.config, self.state, clock)
        self._feeds = FeedUpdater(self.config, self.state, clock)
        self._collector = CollectorClient(self.roster.collector_url(), self._secrets.gateway_token)
        self._delivery = Delivery(self.state.spool, self._collector, clock)
        operations = Operations(self._desk, self.roster, self.status, clock)
        self._control = ControlServer(self.state.control_socket, operations.handlers(), self._left)
        self._serving = asyncio.Event()
        self._running: list[asyncio.Task[None]] = []  # of the children
        self._leaving: set[asyncio.Task[None]] = set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Start everything, serve until `stopping` is set, stop everything. Raises StartError."""
        beside: list[asyncio.Task[None]] = []
        told = asyncio.create_task(stopping.wait())
        try:
            await self._desk.change(lambda store: store.note_ca(self._authority.fingerprint()))
            await self._desk.take_custom(self._loaded.indicators)
            await self._control.start()
            parts = (self._custom.follow, self._deliver, self._feeds.run, self._tell_status)
            beside += [asyncio.create_task(kept_running(part)) for part in parts]
            beside.append(starting := asyncio.create_task(self._start()))
            await asyncio.wait({told, starting}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                await told
        finally:
            told.cancel()
            await self._stop(beside)

    async def _start(self) -> None:
        if self.config.startup == "wait" and not self._feeds.ready:
            log.info("compiling feeds; listeners open when that is done (`startup: wait`)")
            while not self._feeds.ready:  # noqa: ASYNC110 - the updater has no event to wait for
                await asyncio.sleep(_LOOK)
        self._running = [asyncio.create_task(child.run()) for child in self.roster.children]
        await until_all_answer(self.roster)
        endpoints.write(self.state.endpoints, self._endpoints())
        self._serving.set()
        self._policy.load()
        self._started(self.status())

    async def _stop(self, beside: Sequence[asyncio.Task[None]]) -> None:
        """Stop those that enforce, deliver what they reported, then stop the rest."""
        self.state.endpoints.unlink(missing_ok=True)
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        children = self.roster.children
        await asyncio.gather(*(child.stop() for child in children if child.role.enforces))
        if self._serving.is_set():
            await self._delivery.drain(_DRAIN)
        await asyncio.gather(*(child.stop() for child in children))
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._control.stop()
        await self._collector.close()
        self.release()

    def release(self) -> None:
        """Let go of files, ports and the state directory; no process may be running."""
        self._delivery.close()
        self._store.close()
        self._ports.release()
        self._lock.release()

    async def _deliver(self) -> None:
        await self._serving.wait()  # until then nobody may be there to take events
        await self._delivery.run()

    async def _tell_status(self) -> None:
        """Tell the collector how we are: at each change, and now and then."""
        await self._serving.wait()
        told: dict[str, Any] = {}
        next_time = 0.0
        loop = asyncio.get_running_loop()
        while True:
            self._policy.load()
            status = for_collector(self.status())
            if status != told or loop.time() >= next_time:
                trouble = await self._collector.tell_status(status)
                log.debug("status told", trouble=trouble)
                if not trouble:
                    told, next_time = status, loop.time() + STATUS_INTERVAL
            await asyncio.sleep(_LOOK)

    def status(self) -> dict[str, Any]:
        """Say how the gateway is."""
        now = self._clock()
        common = describe(self.config, self._policy, self._feeds, self._delivery.state, self._custom.errors, now)
        return {
            "gateway": self._secrets.installation_id,
            "pid": os.getpid(),
            "serving": self._serving.is_set(),
            **common,
            "errors": [*common["errors"], *self.roster.complaints()],
            "restart_to_apply": list(self._custom.pending),
            "workers": self.roster.workers(self._desk.held_by),
            "endpoints": {name: text for name, text in self._endpoints().items() if name in _SHOWN},
        }

    def _endpoints(self) -> dict[str, Any]:
        return {
            **self.roster.addresses(),
            "collector": self.roster.collector_url(),
            "ca": str(self.state.ca_certificate.absolute()),
            "read_token": self._secrets.read_token,
            "gateway": self._secrets.installation_id,
            "pid": os.getpid(),
        }

    def _left(self, peer: Peer) -> None:
        self.roster.left(peer)
        task = asyncio.get_running_loop().create_task(self._desk.left(peer))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    def _taken_ports(self) -> Ports:
        try:
            return Ports(self._loaded.config)
        except PortError:
            self._lock.release()
            raise

    def _children(self, roles: Sequence[Role], level: str) -> list[Child]:
        return [Child(role, worker_command(role, self._loaded.path, self.state.root, level)) for role in roles]


def _roles(loaded: LoadedConfig) -> list[Role]:
    embedded = loaded.config.collector.url == "embedded"
    return [role for role in ROLES.values() if role is not COLLECTOR or embedded]
