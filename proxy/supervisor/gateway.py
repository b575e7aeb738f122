"""The running gateway: puts the supervisor's parts together, starts the processes in order and stops them again.

Each part does its own work; here is only who is started when, and what the whole is told.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import structlog

from proxy import ca, endpoints
from proxy.collector_link import link_of
from proxy.collector_trust import RenewedTrust
from proxy.config.load import LoadedConfig
from proxy.control.server import ControlServer, Peer
from proxy.decryption_budget import report
from proxy.devices import published
from proxy.devices.record import DeviceRecord
from proxy.feeds.updater import FeedUpdater
from proxy.metrics.endpoint import MetricsEndpoint
from proxy.overlay_store import OverlayStore
from proxy.policy import LivePolicy
from proxy.policy_stream.client import StreamClient
from proxy.policy_stream.follower import PolicyFollower
from proxy.radar.reporting import Radar
from proxy.reporting.collector_client import CollectorClient
from proxy.reporting.delivery import Delivery
from proxy.roles import COLLECTOR, DNS_TLS, ROLES, TUNNEL, Role, inspectors, resolvers
from proxy.secrets import load_or_create
from proxy.state import StateDir
from proxy.supervisor import panel
from proxy.supervisor.answering import Answering
from proxy.supervisor.child import Child, worker_command
from proxy.supervisor.datagram_blocks import DatagramBlocks
from proxy.supervisor.device_operations import DeviceOperations
from proxy.supervisor.dns_certificate import DnsCertificate
from proxy.supervisor.lock import StateLock
from proxy.supervisor.operations import Operations
from proxy.supervisor.overlay_desk import OverlayDesk, Saved
from proxy.supervisor.ports import PortError, Ports
from proxy.supervisor.recycling import Recycling
from proxy.supervisor.roster import Roster
from proxy.supervisor.saved_files import SavedFiles
from proxy.supervisor.starting import StartError, kept_running, until_all_answer
from proxy.supervisor.status import describe, for_collector
from proxy.supervisor.telling import tell_status
from proxy.supervisor.tunnel_desk import TunnelDesk
from proxy.wireguard.backend import TunnelError
from proxy.wireguard.choice import backend_of, chosen, is_userspace

_LOOK = 0.5  # seconds between looks whether feeds are ready
_DRAIN = 1.5  # seconds
_SHOWN = frozenset(("http_proxy", "socks", "transparent", "dns", "dns_tls", "dns_https", "collector", "ca"))

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
        decided = chosen(loaded.config)
        self._loaded = loaded = replace(loaded, config=decided.config)
        self._clock, self._started = clock, started
        self._secrets = load_or_create(self.state)
        self._ports = self._taken_ports()
        self.config = self._ports.filled_in(loaded.config)
        self._authority = ca.load_or_create(self.state, clock())
        self._dns_certificate = DnsCertificate(self.config, self.state, clock)
        self._dns_certificate.ensure()
        self.roster = Roster(self.config, self._ports.numbers, self._children(roles or _roles(loaded), level))
        overrides = self.config.policy.pushed_allows_override
        self._store = OverlayStore(self.state.overlay_database, pushed_allows_override=overrides)
        self._desk = OverlayDesk(self._store, self.state.overlay, clock)
        self._saved = SavedFiles(loaded, self._desk.take)
        self._policy = LivePolicy(self.config, self.state, clock)
        self._feeds = FeedUpdater(self.config, self.state, clock)
        self._link = link_of(self.config.collector, self._secrets, self.roster.collector_url())
        self._collector = CollectorClient(self._link.url, self._link.token, self._link.trust)
        self._stream = StreamClient(self._link.url, self._link.token, self._secrets.installation_id, self._link.trust)
        max_age = self.config.corporate.risk_max_age
        self._follower = PolicyFollower(self._stream, self._desk, self._store, clock, max_age)
        self._delivery = Delivery(self.state.spool, self._collector, clock)
        operations = Operations(self._desk, self.roster, self.status, clock, self._ask_access)
        self._tunnel = TunnelDesk.of(self.config, self.state, backend_of(decided, self.config, self.state))
        key, rules = self._secrets.device_key, self._policy.rules
        self._devices = DeviceOperations.of(self.config, self.state, key, self._tunnel, rules)
        self._radar = self._made_radar()
        handlers = {**operations.handlers(), **self._devices.handlers(), "coverage": self._coverage}
        self._control = ControlServer(self.state.control_socket, handlers, self._left)
        self._serving = asyncio.Event()
        self._running: list[asyncio.Task[None]] = []  # of the children
        self._leaving: set[asyncio.Task[None]] = set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Start everything, serve until `stopping` is set, stop everything. Raises StartError."""
        beside: list[asyncio.Task[None]] = []
        told = asyncio.create_task(stopping.wait())
        try:
            await self._desk.change(lambda store: store.note_ca(self._authority.fingerprint()))
            await self._desk.take(Saved(self._loaded.indicators, self._loaded.config.groups))
            await self._control.start()
            parts = (
                self._saved.follow,
                self._deliver,
                self._answer,
                self._feeds.run,
                self._tell_status,
                Recycling(self.roster.children, self.roster.told).run,
                self._follow_policy,
                self._dns_certificate.follow,
                *(one.follow for one in RenewedTrust.needed(self.config.collector, self._link.trust)),
                self._watch_devices,
                *(one.run for one in DatagramBlocks.needed(self.config.wireguard, self._policy, self._tunnel)),
            )
            beside += [asyncio.create_task(kept_running(part)) for part in parts]
            if "metrics" in self._ports.numbers:
                beside.append(asyncio.create_task(kept_running(self._show_metrics)))
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
        await self._open_tunnel()  # first: other processes listen at addresses inside
        self._running = [asyncio.create_task(child.run()) for child in self.roster.children]
        await until_all_answer(self.roster)
        endpoints.write(self.state.endpoints, self._endpoints())
        self._serving.set()
        self._policy.load()
        self._started(self.status())

    async def _open_tunnel(self) -> None:
        if self._tunnel is None:
            return
        try:
            await self._tunnel.start(self._devices.records())
        except (TunnelError, ValueError) as error:
            raise StartError(str(error)) from None

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
        if self._tunnel:
            await self._tunnel.stop()
        await self._control.stop()
        await self._collector.close()
        await self._stream.close()
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

    async def _answer(self) -> None:
        """Answer the collector's questions by the policy of the moment."""
        await self._serving.wait()
        mode, name = str(self.config.policy.mode), self._secrets.installation_id
        await Answering(self._link, name, self._policy, mode, self._clock).run()

    async def _show_metrics(self) -> None:
        host, number = str(self.config.metrics.host), self._ports.numbers["metrics"]
        await MetricsEndpoint(host, number, self._secrets.read_token, self.status).run()

    async def _follow_policy(self) -> None:
        await self._serving.wait()
        await self._follower.follow()

    def _made_radar(self) -> Radar:
        def records() -> Sequence[DeviceRecord]:
            return published.read(self.state.devices).records if self.state.devices.exists() else ()

        async def traffic() -> Mapping[str, Mapping[str, Any]]:
            return await self._tunnel.traffic() if self._tunnel else {}

        async def tell(reports: Sequence[Mapping[str, Any]]) -> str:
            return await self._collector.tell_coverage(self._secrets.installation_id, reports)

        return Radar(self.state.radar, records, lambda: self._desk.overlay.pins, traffic, tell, self._clock)

    async def _watch_devices(self) -> None:
        await self._serving.wait()
        await self._radar.run()

    async def _coverage(self, peer: Peer, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"coverage": await self._radar.coverage()}

    async def _tell_status(self) -> None:
        def status() -> Mapping[str, Any]:
            self._policy.load()
            return for_collector(self.status(), self._desk.overlay.pins)

        await self._serving.wait()
        await tell_status(status, self._collector.tell_status, asyncio.get_running_loop().time)

    def status(self) -> dict[str, Any]:
        """Say how the gateway is."""
        now = self._clock()
        common = describe(self.config, self._policy, self._feeds, self._delivery.state, self._saved.errors, now)
        return {
            "gateway": self._secrets.installation_id,
            "pid": os.getpid(),
            "serving": self._serving.is_set(),
            **common,
            "errors": [
                *common["errors"],
                *self.roster.complaints(),
                *filter(None, [self._tunnel and self._tunnel.trouble]),
            ],
            "restart_to_apply": list(self._saved.pending),
            "workers": self.roster.workers(self._desk.held_by),
            "decryption": report(self.state.root / "decryption").to_json()["totals"],
            "pins": len(self._desk.overlay.pins),
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

    async def _ask_access(self, asked: Mapping[str, Any]) -> str:
        return await self._collector.ask_access({**asked, "gateway": self._secrets.installation_id})

    def _left(self, peer: Peer) -> None:
        self.roster.left(peer)
        self._devices.left(peer)
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
    without = set() if loaded.config.collector.url == "embedded" else {COLLECTOR}
    if not loaded.config.dns.over_tls:
        without.add(DNS_TLS)
    if not is_userspace(loaded.config.wireguard):
        without.add(TUNNEL)
    further = (*resolvers(loaded.config.dns.processes)[1:], *inspectors(loaded.config.proxy.inspectors)[1:])
    return [*(role for role in ROLES.values() if role not in without), *further]
