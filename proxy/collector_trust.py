"""Go on trusting the collector when its certificate, or its authority's, is renewed: the file is read anew."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path

import structlog

from proxy.collector_link import trusted_file
from proxy.config.sections.collector import CollectorConfig
from proxy.file_stamp import stamp_of

_LOOK_EVERY = 2.0  # seconds; the collector looks every five

log = structlog.get_logger("supervisor")


class RenewedTrust:
    """Add to a link's trust what its file comes to hold; what was trusted before stays until the gateway ends."""

    def __init__(self, trust: ssl.SSLContext, path: Path) -> None:
        """Take the trust that was read from this file."""
        self._trust, self._path = trust, path
        self._stamp = stamp_of(path)

    @classmethod
    def needed(cls, settings: CollectorConfig, trust: ssl.SSLContext | None) -> Iterator[RenewedTrust]:
        """Yield one, where a file says whom to trust."""
        path = trusted_file(settings)
        if trust is not None and path is not None:
            yield cls(trust, path)

    def refresh(self) -> bool:
        """Read the file if it has changed; say whether something was added. A broken file changes nothing."""
        stamp = stamp_of(self._path)
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        try:
            self._trust.load_verify_locations(self._path)
        except OSError as error:
            log.warning("the collector's certificate cannot be read", file=str(self._path), error=str(error))
            return False
        return True

    async def follow(self) -> None:
        """Look every few seconds, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            self.refresh()
