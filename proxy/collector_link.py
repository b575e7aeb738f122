"""How this gateway reaches its collector: address, token, and whom it trusts there. Nothing is opened here."""

from __future__ import annotations

import os
import ssl
import stat
from dataclasses import dataclass, field
from pathlib import Path

from proxy.config.sections.collector import CollectorConfig
from proxy.secrets import Secrets

_LEAST = 16  # characters of a token


@dataclass(frozen=True, slots=True)
class CollectorLink:
    """Hold what every client of the collector needs. No `trust` means the usual authorities."""

    url: str
    token: str = field(repr=False)
    trust: ssl.SSLContext | None = None


def link_of(settings: CollectorConfig, secrets: Secrets, url: str) -> CollectorLink:
    """Return the link to the collector at `url`.

    Raises ValueError or OSError for a token file or certificate that cannot be used; PermissionError where others can
    read the token.
    """
    elsewhere = settings.url != "embedded"
    token = _token(settings.token_file) if elsewhere and settings.token_file else secrets.gateway_token
    return CollectorLink(url, token, trust_of(settings))


def trust_of(settings: CollectorConfig) -> ssl.SSLContext | None:
    """Return whom to trust: for our own collector exactly its certificate, under whatever name it is reached.

    Raises OSError naming key and file.
    """
    path, is_ours = trusted_file(settings), settings.url == "embedded"
    if path is None:
        return None
    try:
        trust = ssl.create_default_context(cafile=path if is_ours else None)
        trust.load_verify_locations(path)
    except OSError as error:
        key = "collector.tls.cert" if is_ours else "collector.ca"
        raise OSError(f"{key}: {path}: expected a file of certificates (PEM): {error}") from None
    if is_ours:
        trust.check_hostname = False
        trust.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return trust


def trusted_file(settings: CollectorConfig) -> Path | None:
    """Return the file that says whom to trust beside the usual authorities, or in their place."""
    return settings.tls.cert if settings.url == "embedded" else settings.ca


def _token(path: Path) -> str:
    found = path.stat()
    if found.st_uid not in (os.getuid(), 0) or stat.S_IMODE(found.st_mode) & 0o077:
        raise PermissionError(f"{path}: others can read this token; run `chmod 600` on it")
    text = path.read_text("ascii", errors="replace").strip()
    if len(text) < _LEAST or not text.isascii() or " " in text:
        raise ValueError(f"{path}: expected the token that `seawall collector gateway add` printed")
    return text
