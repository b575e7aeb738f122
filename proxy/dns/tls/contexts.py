"""TLS contexts of both listeners: one certificate, read anew when its file changes, and the server name asked for."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path
from weakref import WeakKeyDictionary

log = logging.getLogger(__name__)

_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"  # for TLS 1.2; 1.3 has its own


class Certificate:
    """Hold certificate and key, and every context that shows them."""

    def __init__(self, chain: Path, key: Path) -> None:
        self._chain = chain
        self._key = key
        self._stamp = self._looked()
        self._contexts: list[ssl.SSLContext] = []

    def context(self, protocols: Sequence[str]) -> ssl.SSLContext:
        """Make a server context for these ALPN protocols. Raises ValueError naming the file that cannot be used."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(_CIPHERS)
        context.set_alpn_protocols(list(protocols))
        try:
            context.load_cert_chain(self._chain, self._key)
        except (OSError, ValueError) as problem:
            files = f"{self._chain} and {self._key}" if self._chain != self._key else str(self._chain)
            raise ValueError(f"dns.tls: {files}: no certificate with its key ({problem})") from None
        self._contexts.append(context)
        return context

    def refresh(self) -> bool:
        """Show new connections what the files hold now, if they have changed; a mistake there changes nothing."""
        stamp = self._looked()
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        try:
            # Apart first: a certificate whose key does not fit leaves a context with neither.
            for context in (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), *self._contexts):
                context.load_cert_chain(self._chain, self._key)
        except (OSError, ValueError) as problem:
            log.warning("%s: %s; the certificate that was read before stays in use", self._chain, problem)
            return False
        return True

    def _looked(self) -> tuple[tuple[int, int, int] | None, ...]:
        return tuple(_stamp(path) for path in (self._chain, self._key))


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


class ServerNames:
    """Remember the server name (SNI) of each connection of a context, and end handshakes for names that are refused."""

    def __init__(self, context: ssl.SSLContext, refuses: Callable[[str], bool]) -> None:
        self._refuses = refuses
        self._names: WeakKeyDictionary[ssl.SSLObject, str] = WeakKeyDictionary()
        context.sni_callback = self._asked

    def of(self, connection: ssl.SSLObject | None) -> str:
        """Return the name that a connection asked for; empty where it named none."""
        return self._names.get(connection, "") if connection is not None else ""

    def _asked(self, connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
        if name is None:
            return None
        if self._refuses(name):
            return int(ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME)
        self._names[connection] = name
        return None
