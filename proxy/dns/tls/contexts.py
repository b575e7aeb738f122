"""TLS contexts of both listeners: one certificate, read anew when its file changes, and the server name asked for."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast
from weakref import WeakKeyDictionary

from proxy.file_stamp import Stamp, stamp_of

log = logging.getLogger(__name__)

_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"  # for TLS 1.2; 1.3 has its own


class Certificate:
    """Hold certificate and key, and every context that shows them.

    A renewed pair goes into contexts of its own, which connections that begin then are led to: loaded into one that is
    in use, it would stand beside the old pair where its key is of another type, and leave neither if it does not fit.
    """

    def __init__(self, chain: Path, key: Path) -> None:
        self._chain = chain
        self._key = key
        self._stamps = self._looked()
        self._shown: dict[ssl.SSLContext, ssl.SSLContext] = {}  # by the one that a listener has
        self._protocols: dict[ssl.SSLContext, tuple[str, ...]] = {}

    def context(self, protocols: Sequence[str]) -> ssl.SSLContext:
        """Make a server context for these ALPN protocols. Raises ValueError naming the file that cannot be used."""
        try:
            context = self._made(protocols)
        except (OSError, ValueError) as problem:
            files = f"{self._chain} and {self._key}" if self._chain != self._key else str(self._chain)
            raise ValueError(f"dns.tls: {files}: no certificate with its key ({problem})") from None
        self._shown[context], self._protocols[context] = context, tuple(protocols)
        context.sni_callback = self._choose
        return context

    def refresh(self) -> bool:
        """Show new connections what the files hold now, if they have changed; a mistake there changes nothing."""
        stamps = self._looked()
        if stamps == self._stamps:
            return False
        self._stamps = stamps
        try:
            self._shown = {context: self._made(protocols) for context, protocols in self._protocols.items()}
        except (OSError, ValueError) as problem:
            log.warning("%s: %s; the certificate that was read before stays in use", self._chain, problem)
            return False
        return True

    def _made(self, protocols: Sequence[str]) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(_CIPHERS)
        context.set_alpn_protocols(list(protocols))
        context.load_cert_chain(self._chain, self._key, password=_never)
        return context

    def _choose(self, connection: ssl.SSLObject, _name: str | None, asked: ssl.SSLContext) -> None:
        connection.context = self._shown[asked]

    def _looked(self) -> tuple[Stamp | None, Stamp | None]:
        return stamp_of(self._chain), stamp_of(self._key)


def _never() -> str:
    """Answer in place of a prompt, at which a service would wait for ever."""
    raise ValueError("the key is encrypted; expected one without a passphrase")


class ServerNames:
    """Remember the server name (SNI) of each connection of a context, and end handshakes for names that are refused."""

    def __init__(self, context: ssl.SSLContext, refuses: Callable[[str], bool]) -> None:
        self._refuses = refuses
        self._names: WeakKeyDictionary[ssl.SSLObject, str] = WeakKeyDictionary()
        self._then = cast("Callable[..., int | None] | None", context.sni_callback)
        context.sni_callback = self._asked

    def of(self, connection: ssl.SSLObject | None) -> str:
        """Return the name that a connection asked for; empty where it named none."""
        return self._names.get(connection, "") if connection is not None else ""

    def _asked(self, connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> int | None:
        if name is not None:
            if self._refuses(name):
                return int(ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME)
            self._names[connection] = name
        return self._then(connection, name, context) if self._then else None
