"""Keep the certificate of DNS over TLS and HTTPS current, where the configuration names none of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog

from addons.own_hosts import GATEWAY
from proxy import server_certificate
from proxy.config.model import Config
from proxy.state import StateDir

_LOOK_EVERY = 3600.0  # seconds; addresses change, and certificates end

log = structlog.get_logger("supervisor")


class DnsCertificate:
    """Make and renew it; the process that shows it sees the file change."""

    def __init__(self, config: Config, state: StateDir, clock: Callable[[], datetime]) -> None:
        self._dns = config.dns
        self._state = state
        self._clock = clock

    def ensure(self) -> None:
        """Make it where it is missing or near its end, and needed at all. Raises as `proxy.ca` does."""
        if not self._dns.over_tls or self._dns.tls.cert is not None:
            return
        names = server_certificate.names_for((self._dns.tls.name, GATEWAY), self._dns.host)
        if server_certificate.ensure(self._state, names, self._clock()):
            log.info("a certificate for DNS over TLS was made", names=", ".join(names.hosts))

    async def follow(self) -> None:
        """Look now and then, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            await asyncio.to_thread(self.ensure)
