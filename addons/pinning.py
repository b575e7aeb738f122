"""Find apps that pin their certificates: they refuse ours, and would never work while they are inspected.

A refusal is a TLS alert that says so, or a connection that is closed right after the handshake without a request. What
is stopped as a whole is never counted: a page that is not shown is a block that worked.
"""

from __future__ import annotations

import asyncio
import logging

from mitmproxy import connection, http, tls

from addons.refusals import App, Refusals
from addons.services import Services
from addons.visits import Visits
from indicators.observation import Device

_RIGHT_AFTER = 3.0  # seconds from the handshake to a close that counts as a refusal

log = logging.getLogger(__name__)


class Pinning:
    """Watch what is opened, and tell of apps that pin."""

    name = "seawall-pinning"

    def __init__(self, services: Services, visits: Visits) -> None:
        self._services = services
        self._visits = visits
        self._refusals = Refusals(services.monotonic)
        self._shaken: dict[str, float] = {}  # client -> when its handshake was done, while no request has come
        self._telling: set[asyncio.Task[None]] = set()

    def tls_established_client(self, data: tls.TlsData) -> None:
        """Note that a handshake under our CA is done; a hook."""
        if self._visits.of(data.context.client).opened is not None:
            self._shaken[data.context.client.id] = self._services.monotonic()

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Note that an app has taken our certificate; a hook."""
        if self._shaken.pop(flow.client_conn.id, None) is None:
            return
        app = self._visits.of(flow.client_conn).opened
        if app is not None:
            self._refusals.taken(app)

    def tls_failed_client(self, data: tls.TlsData) -> None:
        """Count a refusal within the handshake; a hook."""
        self._refused(data.context.client)

    def client_disconnected(self, client: connection.Client) -> None:
        """Count a close right after the handshake; a hook. It runs before the visit is forgotten."""
        shaken = self._shaken.pop(client.id, None)
        if shaken is not None and self._services.monotonic() - shaken <= _RIGHT_AFTER:
            self._refused(client)

    def _refused(self, client: connection.Client) -> None:
        visit = self._visits.of(client)
        app, visit.opened = visit.opened, None
        if app is None or visit.stopped is not None or not self._refusals.refused(app):
            return
        task = asyncio.create_task(self._tell(visit.device, app), name="tell of an app that pins")
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell(self, device: Device, app: App) -> None:
        try:
            await self._services.pin(device, app)
        except (OSError, RuntimeError, ValueError) as problem:
            log.warning("could not tell of an app that refuses our certificate: %s", problem)
