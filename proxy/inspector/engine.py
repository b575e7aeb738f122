"""Run mitmproxy inside this process with only the addons that are needed. What is judged is not known here.

mitmproxy keeps its master and options in globals: one engine at a time in a process.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from hyperframe.frame import Frame
from mitmproxy import certs, http, options
from mitmproxy.addons import core, disable_h2c, next_layer, proxyserver, tlsconfig
from mitmproxy.master import Master
from mitmproxy.proxy import layer, layers, mode_servers, mode_specs
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.mode_servers import ServerManager

from addons.arrivals import Arrival, Arrivals
from addons.begun import Begun
from proxy.hand_over import HandOver, Kind
from proxy.inspector import at_once
from proxy.inspector.handler import Handler
from proxy.inspector.hooks import Hooks
from proxy.work import Work

_START_WITHIN = 20.0  # seconds
_STOP_WITHIN = 5.0  # seconds
_DRAIN = 0.5  # seconds that open connections are given when the engine stops
_MODES = {kind: mode_specs.ProxyMode.parse("socks5" if kind is Kind.SOCKS else "regular") for kind in Kind}
_LEAVES = 4000  # generated certificates kept; mitmproxy's own cap of 100 is for one person's browser

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Listener:
    """Name a listener: `name` is its key for others, `mode` mitmproxy's word for it. Port 0 takes a free one."""

    name: str
    mode: str
    host: str
    port: int

    @property
    def spec(self) -> str:
        """Return mitmproxy's mode specification."""
        return f"{self.mode}@{self.host}:{self.port}"


class Engine:
    """Start and stop mitmproxy."""

    def __init__(
        self,
        listeners: Sequence[Listener],
        confdir: Path,
        addons: Sequence[object],
        work: Work | None = None,
        **settings: Any,
    ) -> None:
        self._listeners = listeners
        self._addons = addons
        self._settings = {
            "confdir": str(confdir),
            "connection_strategy": "lazy",  # nothing is dialled before it was judged
            "ssl_verify_upstream_trusted_ca": os.environ.get("SSL_CERT_FILE") or None,
            **settings,
        }
        self.work = work or Work()
        self._proxy = proxyserver.Proxyserver()
        self._up = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def running(self) -> None:
        """Take mitmproxy's word that it has tried to bind; a hook."""
        self._up.set()

    async def start(self) -> None:
        """Bind all listeners or none. Raises OSError naming the address that could not be bound."""
        for listener in self._listeners:
            mode_specs.ProxyMode.parse(listener.spec)  # mitmproxy itself says nothing about a mode that is none
        self._quieten()
        certs.CertStore.STORE_CAP = _LEAVES
        http.MessageData.__post_init__ = _unchecked  # type: ignore[method-assign]
        # Modes given as an option later would be refused when two of them ask for port 0.
        self._master = Master(options.Options(mode=[listener.spec for listener in self._listeners]))
        self._master._legacy_log_events.uninstall()  # it formats every record for a user interface
        self._master.addons.add(*self._addons, *self._needed(), self)
        self._hooks = Hooks(self._master.addons)
        at_once.install()
        mode_servers.ProxyConnectionHandler = partial(Handler, hooks=self._hooks, work=self.work)  # type: ignore[assignment,misc]
        self._master.options.update(**self._settings)
        await self._until_up()
        failed = self._failed()
        if failed is not None:
            await self.stop()
            raise failed

    def bound(self) -> dict[str, str]:
        """Return the addresses really bound, by the listeners' names."""
        found = {}
        for listener in self._listeners:
            host, port, *_ = self._proxy.servers[listener.spec].listen_addrs[0]
            found[listener.name] = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        return found

    @property
    def certificate_store(self) -> certs.CertStore:
        """Return the store that signs leaves."""
        store: certs.CertStore = self._master.addons.get("tlsconfig").certstore
        return store

    @property
    def manager(self) -> ServerManager:
        """Return who keeps the connections, for servers that are started beside the engine's own."""
        return self._proxy

    async def serve(
        self, given: HandOver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, arrivals: Arrivals
    ) -> None:
        """Serve a client that was handed over, as if it had come to a listener of ours, until it has gone."""
        if writer.get_extra_info("peername") is None:  # it has gone already
            writer.close()
            if given.upstream:
                given.upstream.close()
            return
        handler = Handler(
            self._master, reader, writer, self._master.options, _MODES[given.kind], self._hooks, work=self.work
        )
        client = handler.layer.context.client.id
        handler.layer = _top_layer(given, handler.layer.context)
        begun = Begun(given.upstream, given.answered) if given.upstream else None
        arrivals.note(client, Arrival(given.device, given.host, given.port, given.addresses, given.guarded, begun))
        try:
            with self._proxy.register_connection(client, handler):
                await handler.handle_client()
        finally:
            arrivals.forget(client)

    def hang_up(self, device_id: str, arrivals: Arrivals) -> None:
        """End every connection of a device that was taken over, at once."""
        for client in map(str, list(self._proxy.connections)):
            arrival = arrivals.of(client)
            if arrival and arrival.device.id == device_id:
                self.hang_up_on(client)

    def hang_up_on(self, client: str) -> None:
        """End a client's connection at once, with all that it has open; harmless when it has gone."""
        handler = self._proxy.connections.get(client)
        if handler is not None:
            _cancel(io.handler for io in list(handler.transports.values()))

    async def stop(self) -> None:
        """Close listeners first, then connections, then mitmproxy; harmless when it has already ended."""
        if self._task is None or self._task.done():
            return
        self._master.options.update(server=False, mode=[])  # else the ports stay open
        if self._open_connections():
            await asyncio.wait(self._open_connections(), timeout=_DRAIN)
        for task in self._open_connections():
            task.cancel("the gateway stops")
        self._master.shutdown()
        async with asyncio.timeout(_STOP_WITHIN):
            await self._task

    async def ended(self) -> None:
        """Wait until mitmproxy ends by itself. Raises what made it end."""
        if self._task is not None:
            await asyncio.shield(self._task)

    def _open_connections(self) -> list[asyncio.Task[Any]]:
        ios = [io for handler in self._proxy.connections.values() for io in handler.transports.values()]
        return [io.handler for io in ios if io.handler is not None]

    def _needed(self) -> Sequence[object]:
        return (
            core.Core(),
            self._proxy,
            next_layer.NextLayer(),
            tlsconfig.TlsConfig(),
            disable_h2c.DisableH2C(),
        )

    async def _until_up(self) -> None:
        task = self._task = asyncio.create_task(self._master.run(), name="mitmproxy")
        up = asyncio.create_task(self._up.wait())
        done, _ = await asyncio.wait({task, up}, timeout=_START_WITHIN, return_when=asyncio.FIRST_COMPLETED)
        up.cancel()
        if task in done:
            task.result()
            raise RuntimeError("mitmproxy ended while it was starting")
        if not done:
            task.cancel()
            raise TimeoutError(f"mitmproxy did not start within {_START_WITHIN:.0f} s")

    def _failed(self) -> OSError | None:
        for listener in self._listeners:
            server = self._proxy.servers[listener.spec]
            problem = server.last_exception
            if not server.is_running:
                number = problem.errno if isinstance(problem, OSError) else None
                why = os.strerror(number) if number else str(problem)
                return OSError(
                    number or errno.EADDRNOTAVAIL,
                    f"{listener.name} cannot listen on {listener.host}:{listener.port}: {why}",
                )
        return None

    def _quieten(self) -> None:
        """Keep names of sites out of the log: mitmproxy would tell of every connection.

        The HTTP/2 library writes each frame out for a log that nobody reads.
        """
        Frame.__repr__ = object.__repr__  # type: ignore[method-assign]
        levels: Mapping[str, int] = {"mitmproxy": logging.WARNING, "mitmproxy.proxy.server": logging.ERROR}
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def _cancel(tasks: Iterable[asyncio.Task[Any] | None]) -> None:
    for task in tasks:
        if task is not None:
            task.cancel("ended by seawall")


def _unchecked(_: http.MessageData) -> None:
    """Let a message be made without a look at the type of each field: mitmproxy checks what it has parsed itself."""


def _top_layer(given: HandOver, context: Context) -> layer.Layer:
    """Return the layer that goes on where the front has stopped."""
    if given.kind is Kind.HTTP:
        return layers.modes.HttpProxy(context)
    if given.kind is Kind.SOCKS:
        socks = layers.modes.Socks5Proxy(context)
        socks.state = socks.state_connect  # the method was agreed on
        return socks
    context.server.address = (given.host, given.port)
    return layers.modes.TransparentProxy(context)
