"""The certificate that the collector shows: read with its key, and read anew when one of the files changes.

A renewed pair is tried by itself first, and shown to connections that begin then: while only one of two files has
been replaced, or one is broken, what was read before stays in use.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

log = logging.getLogger(__name__)

_LOOK_EVERY = 5.0  # seconds

type _Stamp = tuple[int, int, int] | None


class ShownCertificate:
    """Hold `context`, by which connections are accepted; each is given the certificate of the moment."""

    def __init__(self, chain: Path, key: Path) -> None:
        """Read both files. Raises OSError naming key of the configuration, file, and what to change."""
        self._files = (chain, key)
        self._stamps = self._looked()
        self._current = self.context = _read(chain, key)
        self.context.sni_callback = self._choose

    def refresh(self) -> bool:
        """Show what the files hold now, if they have changed and fit together; say whether that was so."""
        stamps = self._looked()
        if stamps == self._stamps:
            return False
        self._stamps = stamps
        try:
            self._current = _read(*self._files)
        except OSError as error:
            log.warning("%s; the certificate that was read before stays in use", error)
            return False
        log.info("%s: a new certificate is in use", self._files[0])
        return True

    async def follow(self) -> None:
        """Look at the files every few seconds, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            await asyncio.to_thread(self.refresh)

    def _choose(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self._current

    def _looked(self) -> tuple[_Stamp, ...]:
        return tuple(map(_stamp, self._files))


def _read(chain: Path, key: Path) -> ssl.SSLContext:
    """Return how TLS is spoken: 1.2 at least."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(chain, key, password=_never)
    except (OSError, ValueError) as error:
        raise OSError(_wrong(chain, key) or f"collector.tls: {chain} and {key}: {error}") from None
    return context


def _never() -> str:
    """Answer in place of a prompt, at which a service would wait for ever."""
    raise ValueError("the key is encrypted")


def _wrong(chain: Path, key: Path) -> str:
    """Say which file cannot be used and what is expected there; nothing where that is not known."""
    for name, path in (("cert", chain), ("key", key)):
        try:
            path.read_bytes()
        except OSError as error:
            return f"collector.tls.{name}: {path}: {error.strerror}"
    try:
        first = x509.load_pem_x509_certificates(chain.read_bytes())[0]
    except ValueError:
        return f"collector.tls.cert: {chain}: expected a certificate (PEM), with those that link it to its authority"
    try:
        secret = serialization.load_pem_private_key(key.read_bytes(), None)
    except TypeError:
        return f"collector.tls.key: {key}: is encrypted; expected a key without a passphrase"
    except ValueError:
        return f"collector.tls.key: {key}: expected the certificate's key (PEM)"
    same = secret.public_key() == first.public_key()
    return "" if same else f"collector.tls.key: {key}: is not the key of {chain}, whose first certificate counts"


def _stamp(path: Path) -> _Stamp:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
