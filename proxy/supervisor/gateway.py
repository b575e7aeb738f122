"""The running gateway: puts the supervisor's parts together, starts the processes in order and stops them again.

Each part does its own work; here is only who is started when, and what the whole is told.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
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
from proxy.supervisor.status import describe, for_collector

START_TIMEOUT = 90.0  # seconds until every listener answers, on a machine that has other things to do
STATUS_INTERVAL = 10.0  # seconds between tellings where nothing changes
_LOOK = 0.5  # seconds between looks for a change of status
_GIVE_UP = 3  # ends of a child before it was ever ready
_DRAIN = 1.5  # seconds
_AGAIN = 2.0  # seconds before a part that failed is started anew

log = structlog.get_logger("supervisor")


class StartError(RuntimeError):
    """Say why the gateway cannot start."""


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
        self._secrets = load_or_create(self.state)
        self._ports = self._taken_ports(loaded)
        self.config = self._ports.filled_in(loaded.config)
        self._loaded = loaded
        self._clock = clock
        self._started = started
        self._bound: dict[str, str] = {}
        self._peers: dict[str, Peer] = {}
        self._serving = asyncio.Event()
        self._running: list[asyncio.Task[None]] = []  # of the children
        self._authority = ca.load_or_create(self.state, clock())
        self._store = OverlayStore(self.state.overlay_database)
        self._desk = OverlayDesk(self._store, self.state.overlay, clock)
        self._custom = CustomIndicators(loaded, self._desk.take_custom)
        self._policy = LivePolicy(self.config, self.state, clock)
        self._feeds = FeedUpdater(self.config, self.state, clock)
        self._collector = CollectorClient(self.collector_url, self._secrets.gateway_token)
        self._delivery = Delivery(self.state.spool, self._collector, clock)
        self._children = [self._child(role, level) for role in roles or _roles(loaded)]
        self._control = ControlServer(
            self.state.control_socket, Operations(self._desk, self, clock).handlers(), self._left
        )
        self._leaving: set[asyncio.Task[None]] = set()

    @property
    def collector_url(self) -> str:
        """Return where events go: elsewhere as configured, or to our own collector."""
        settings = self.config.collector
        if settings.url != "embedded":
            return settings.url
        host = str(settings.host)
        any_address = {"0.0.0.0": "127.0.0.1", "::": "::1"}
        return f"http://{endpoints.spell(any_address.get(host, host), settings.port)}"

    async def run(self, stopping: asyncio.Event) -> None:
        """Start everything, serve until `stopping` is set, stop everything. Raises StartError."""
        tasks: list[asyncio.Task[None]] = []
        try:
            await self._desk.change(lambda store: store.note_ca(self._authority.fingerprint()))
            await self._desk.take_custom(self._loaded.indicators)
            await self._control.start()
            parts = (self._custom.follow, self._deliver, self._feeds.run, self._tell_status)
            tasks += [asyncio.create_task(kept_running(part)) for part in parts]
            starting = asyncio.create_task(self._start())
            await self._until(stopping, starting, tasks)
        finally:
            await self._stop(tasks)

    async def _until(
        self, stopping: asyncio.Event, starting: asyncio.Task[None], tasks: list[asyncio.Task[None]]
    ) -> None:
        """Wait for the word to stop; an error of any part ends the gateway."""
        told = asyncio.create_task(stopping.wait())
        try:
            watched: set[asyncio.Task[Any]] = {told, starting}
            while not told.done():
                done, _ = await asyncio.wait(watched | set(tasks), return_when=asyncio.FIRST_COMPLETED)
                for task in done - {told}:
                    task.result()
                    watched.discard(task)
                    tasks[:] = [each for each in tasks if each is not task]
        finally:
            told.cancel()
            starting.cancel()

    async def _start(self) -> None:
        if self.config.startup == "wait" and not self._feeds.ready:
            log.info("compiling feeds; listeners open when that is done (`startup: wait`)")
            while not self._feeds.ready:  # noqa: ASYNC110 - the updater has no event to wait for
                await asyncio.sleep(_LOOK)
        self._running = [asyncio.create_task(child.run()) for child in self._children]
        try:
            async with asyncio.timeout(START_TIMEOUT):
                await asyncio.gather(*(self._until_ready(child) for child in self._children))
                await asyncio.gather(*(_until_answers(address) for address in self._bound.values()))
        except TimeoutError:
            late = [child.role.name for child in self._children if not child.ready.is_set()]
            raise StartError(f"not ready after {START_TIMEOUT:.0f} s: {', '.join(late) or 'listeners'}") from None
        endpoints.write(self.state.endpoints, self._endpoints())
        self._serving.set()
        self._policy.load()
        self._started(self.status())

    async def _until_ready(self, child: Child) -> None:
        while not child.ready.is_set():
            if child.restarts >= _GIVE_UP:
                words = "; ".join(child.last_words) or "it said nothing"
                raise StartError(f"the {child.role.name} does not start: {words}")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.1):
                    await child.ready.wait()

    async def _stop(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        """Stop those that enforce, deliver what they reported, then stop the rest."""
        self.state.endpoints.unlink(missing_ok=True)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=5)
        await asyncio.gather(*(child.stop() for child in self._children if child.role.enforces))
        if self._serving.is_set():
            await self._delivery.drain(_DRAIN)
        await asyncio.gather(*(child.stop() for child in self._children))
        if self._running:
            await asyncio.wait(self._running, timeout=5)
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
            "errors": [*common["errors"], *self._complaints()],
            "restart_to_apply": list(self._custom.pending),
            "workers": [self._worker_status(child) for child in self._children],
            "endpoints": {name: text for name, text in self._endpoints().items() if name in _SHOWN},
        }

    def _complaints(self) -> list[str]:
        """Say what workers told of failures and losses."""
        facts = [(role, peer.facts) for role, peer in sorted(self._peers.items()) if peer.facts]
        return [
            *(f"{role}: {of['failures']} judgements failed; see its log" for role, of in facts if of["failures"]),
            *(f"{role}: {of['lost']} events could not be kept" for role, of in facts if of["lost"]),
            *(f"{role}: the event spool cannot grow; see its log" for role, of in facts if of["short_of_room"]),
        ]

    def _worker_status(self, child: Child) -> dict[str, Any]:
        peer = self._peers.get(child.role.name)
        facts = peer.facts if peer else {}
        return {
            "role": child.role.name,
            "pid": child.pid,
            "ready": child.ready.is_set(),
            "restarts": child.restarts,
            "generation": self._desk.held_by(peer) if peer else None,
            **{name: facts.get(name, 0) for name in ("failures", "lost", "short_of_room")},
        }

    def _endpoints(self) -> dict[str, Any]:
        numbers = self._ports.numbers
        hosts = {"dns": str(self.config.dns.host), "collector": str(self.config.collector.host)}
        own = {
            name: self._bound.get(name) or endpoints.spell(hosts.get(name, str(self.config.proxy.host)), number)
            for name, number in numbers.items()
        }
        return {
            **own,
            "collector": self.collector_url,
            "ca": str(self.state.ca_certificate.absolute()),
            "read_token": self._secrets.read_token,
            "gateway": self._secrets.installation_id,
            "pid": os.getpid(),
        }

    def own_ports(self) -> list[int]:
        """Return every port that the gateway listens on."""
        bound = {endpoints.split(address)[1] for address in self._bound.values()}
        return sorted(bound | set(self._ports.numbers.values()))

    def enforces(self, role: str) -> bool:
        """Say whether a role must hold a generation before a waiver counts."""
        return any(child.role.enforces for child in self._children if child.role.name == role)

    def joined(self, peer: Peer) -> None:
        """Take note of a worker that said hello."""
        self._peers[peer.role] = peer

    def ready(self, peer: Peer, bound: Mapping[str, str]) -> None:
        """Take note of a worker whose listeners answer."""
        self._bound.update(bound)
        for child in self._children:
            if child.role.name == peer.role:
                child.ready.set()

    def _left(self, peer: Peer) -> None:
        if self._peers.get(peer.role) is peer:
            del self._peers[peer.role]
        task = asyncio.get_running_loop().create_task(self._desk.left(peer))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    def _taken_ports(self, loaded: LoadedConfig) -> Ports:
        try:
            return Ports(loaded.config)
        except PortError:
            self._lock.release()
            raise

    def _child(self, role: Role, level: str) -> Child:
        return Child(role, worker_command(role, self._loaded.path, self.state.root, level))


_SHOWN = frozenset(("http_proxy", "socks", "transparent", "dns", "collector", "ca"))


def _roles(loaded: LoadedConfig) -> list[Role]:
    embedded = loaded.config.collector.url == "embedded"
    return [replace(role) for role in ROLES.values() if role is not COLLECTOR or embedded]


async def kept_running(part: Callable[[], Awaitable[None]]) -> None:
    """Run one part of the supervisor for ever: what goes wrong in one may not end protection."""
    while True:
        try:
            await part()
        except Exception:
            log.exception("a part of the supervisor failed and is started anew")
        await asyncio.sleep(_AGAIN)


async def _until_answers(address: str) -> None:
    """Wait until a listener takes a TCP connection."""
    host, port = endpoints.split(address)
    while True:
        try:
            async with asyncio.timeout(2):
                _, writer = await asyncio.open_connection(host, port)
        except (OSError, TimeoutError):
            await asyncio.sleep(0.05)
            continue
        writer.close()
        return
