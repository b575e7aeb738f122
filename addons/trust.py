"""Learn from handshakes which devices trust our CA, and tell the supervisor once a device.

A device counts as trusting when a request has come over a connection under our CA: some clients complete the handshake
and only then send their alert.
"""

from __future__ import annotations

import asyncio
import logging

from mitmproxy import http, tls

from addons.ca_memory import CaMemory
from addons.enforcement import Enforcer
from addons.own_hosts import is_reserved
from addons.services import Services
from addons.sight import host_of
from addons.visits import Visits
from indicators.observation import Device

log = logging.getLogger(__name__)


class Trust:
    """Watch handshakes with clients."""

    name = "seawall-trust"

    def __init__(self, services: Services, visits: Visits, memory: CaMemory, enforcer: Enforcer) -> None:
        self._services = services
        self._visits = visits
        self._memory = memory
        self._enforcer = enforcer
        self._telling: set[asyncio.Task[None]] = set()

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Note the first request over a connection under our CA."""
        client = flow.client_conn
        if not client.tls_established:
            return
        device = self._visits.of(client).device
        if self._memory.accepted(device, host_of(client.sni or "")):
            task = asyncio.create_task(self._tell(device), name="tell that a device trusts our CA")
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    async def tls_failed_client(self, data: tls.TlsData) -> None:
        """Note a refusal; where a page was to be shown, the connection has ended without it.

        A client that goes away in the middle may have had another reason: that counts only while its device has never
        accepted our certificate.
        """
        visit = self._visits.of(data.context.client)
        error = data.conn.error or ""
        host = host_of(data.context.client.sni or "")
        certain = "does not trust" in error
        likely = "disconnected" in error and not self._memory.trusts(visit.device)
        if (certain or likely) and not is_reserved(host):
            self._memory.refused(visit.device, host)
        if visit.stopped is not None and not visit.settled:
            self._enforcer.reset(visit, visit.stopped)

    async def _tell(self, device: Device) -> None:
        try:
            await self._services.trust(device)
        except (OSError, RuntimeError, ValueError) as problem:
            log.warning("could not tell that a device trusts our CA: %s", problem)
            self._memory.forget_acceptance(device)
