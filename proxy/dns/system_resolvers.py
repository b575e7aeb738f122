"""The system's resolvers as resolv.conf names them, read anew when the file changes; never ourselves.

Reads one file and decides nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from ipaddress import ip_address
from pathlib import Path

from indicators.addresses import unmap
from proxy.dns.endpoint import Endpoint

log = logging.getLogger(__name__)

RESOLV_CONF = Path("/etc/resolv.conf")
_LOOK_EVERY = 1.0  # seconds
_MAX_SIZE = 65_536  # octets
type Bound = tuple[str, int]


class SystemResolvers:
    """Give the system's resolvers of the moment. `own` holds addresses and ports on which we answer ourselves."""

    def __init__(self, own: Collection[Bound], now: Callable[[], float], path: Path = RESOLV_CONF) -> None:
        self._own = own
        self._now = now
        self._path = path
        self._look_at = 0.0
        self._stamp: tuple[int, int, int] | None = None
        self._endpoints: tuple[Endpoint, ...] = ()

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the resolvers in their order. The file is looked at once a second at most.

        A file that is gone or cannot be read leaves the last good list in force.
        """
        now = self._now()
        if now >= self._look_at:
            self._look_at = now + _LOOK_EVERY
            self._look()
        return self._endpoints

    def _look(self) -> None:
        try:
            found = self._path.stat()
            stamp = (found.st_mtime_ns, found.st_ino, found.st_size)
            if stamp == self._stamp:
                return
            with self._path.open("rb") as file:
                text = file.read(_MAX_SIZE).decode("utf-8", "replace")
        except OSError as problem:
            log.warning("%s: %s; the last known resolvers stay in use", self._path, problem.strerror)
            return
        self._stamp = stamp
        self._endpoints = tuple(endpoint for endpoint in read_resolv_conf(text) if not self._is_own(endpoint))
        if not self._endpoints:
            log.warning("%s names no resolver but ourselves; set `dns.upstreams`", self._path)

    def _is_own(self, endpoint: Endpoint) -> bool:
        address = unmap(ip_address(endpoint.host))
        for host, port in self._own:
            own = unmap(ip_address(host))
            if port == endpoint.port and (own == address or (own.is_unspecified and address.is_loopback)):
                return True
        return False


def read_resolv_conf(text: str) -> list[Endpoint]:
    """Return the `nameserver` lines' addresses, each once; lines that are none of that are passed over."""
    found = []
    for line in text.splitlines():
        words = line.split("#")[0].split(";")[0].split()
        if len(words) >= 2 and words[0] == "nameserver":
            try:
                ip_address(words[1])
            except ValueError:
                continue
            found.append(Endpoint("udp", words[1], 53))
    return list(dict.fromkeys(found))
