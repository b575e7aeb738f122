"""Which Host and Origin values are ours. A name that a stranger points at loopback is not (DNS rebinding)."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_ANY = ("0.0.0.0", "::")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class AllowedHosts:
    """Hold the values; the port is known only once the listener is bound."""

    def __init__(self, configured: Iterable[str], public_url: str = "") -> None:
        """Take `name` or `name:port` values as configured, and the address at which people reach the console."""
        public = urlsplit(public_url).netloc
        self._configured = tuple(value.lower() for value in (*configured, public) if value)
        self._allowed: frozenset[str] = frozenset(self._configured)

    def bind(self, host: str, port: int) -> None:
        """Allow loopback and the bound address at this port; configured names without a port are taken with it."""
        names = [*_LOOPBACK, *(() if host in _ANY else (bracketed(host),))]
        names += [value for value in self._configured if not _port_of(value)]
        allowed = {f"{name}:{port}".lower() for name in names}
        if port in _DEFAULT_PORTS.values():
            allowed |= {name.lower() for name in names}
        self._allowed = frozenset(allowed | set(self._configured))

    def allows(self, host: str) -> bool:
        """Say whether a Host header's value is ours."""
        return host.lower() in self._allowed

    def allows_origin(self, origin: str, host: str) -> bool:
        """Say whether an Origin is the page that this very request's Host names; `null` never is."""
        parts = urlsplit(origin)
        return parts.scheme in _DEFAULT_PORTS and parts.netloc.lower() == host.lower() and self.allows(host)


def bracketed(host: str) -> str:
    """Write an IPv6 address as URLs do.

    >>> bracketed("::1")
    '[::1]'
    """
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def _port_of(value: str) -> str:
    return value.rpartition("]")[2].rpartition(":")[2] if ":" in value.rpartition("]")[2] else ""
