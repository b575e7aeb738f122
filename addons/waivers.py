"""Tokens by which a person continues past one warning: made for a warn page, checked when its form comes back.

Pure: time and key are arguments, nothing is remembered here. That a token is good only once is enforced by the
supervisor, which remembers the nonces it has taken (control operation `waive`).
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

LIFETIME = timedelta(minutes=5)
PATH = "/.seawall/continue"
MAX_TOKEN = 8192  # characters
_FIELDS = ("nonce", "device", "host", "incident", "indicator", "back")


class TokenError(ValueError):
    """Say why a token is not taken; the text is fit for a person."""


@dataclass(frozen=True, slots=True)
class Consent:
    """Say what a person agreed to: this device, this host, this incident, this indicator, and where they want to go.

    `back` is a path with its query on the same host; it never names another host.
    """

    nonce: str
    device: str
    host: str
    incident: str
    indicator: str
    back: str


def mint(key: bytes, now: datetime, *, device: str, host: str, incident: str, indicator: str, back: str) -> str:
    """Return the token of one warn page, good for `LIFETIME`."""
    fields = (secrets.token_urlsafe(16), device, host, incident, indicator, _local(back))
    body = json.dumps([int((now + LIFETIME).timestamp()), *fields]).encode()
    return f"{_text(body)}.{_text(_seal(key, body))}"


def check(key: bytes, now: datetime, token: str, *, device: str, host: str) -> Consent:
    """Return what a token says, when it is ours, fresh, and made for this device on this host.

    Raises TokenError. A token that was changed and one that was never ours are told apart by nobody.
    """
    body, seal = _parts(token)
    if not hmac.compare_digest(_seal(key, body), seal):
        raise TokenError("this form was not made by this gateway; open the page again")
    expires, *fields = json.loads(body)
    consent = Consent(**dict(zip(_FIELDS, fields, strict=True)))
    if now.timestamp() >= expires:
        raise TokenError("this warning is more than five minutes old; open the page again")
    if not hmac.compare_digest(consent.device.encode(), device.encode()):
        raise TokenError("this warning was shown to another device")
    if consent.host != host:
        raise TokenError("this warning was shown for another host")
    return consent


def is_top_level(headers: Mapping[str, str], origin: str) -> bool:
    """Say whether a POST is a person's navigation from our own page, not a request that another page made.

    Browsers tell so by `Sec-Fetch-*` on trustworthy origins; elsewhere (plain HTTP) Origin, else Referer, must be the
    page's own. `origin` is the request's own, such as `https://host:8443`.
    """
    fetch = {name: headers.get(f"sec-fetch-{name}", "").lower() for name in ("site", "mode", "dest")}
    if any(fetch.values()):
        return fetch == {"site": "same-origin", "mode": "navigate", "dest": "document"}
    said = headers.get("origin") or headers.get("referer") or ""
    return _origin(said) == _origin(origin) != ""


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.hostname.rstrip('.')}:{port}" if parts.hostname and port else ""


def _local(back: str) -> str:
    """Return a path that a browser cannot read as another host: one slash, no backslash behind it, no control."""
    path = "/" + back.lstrip("/\\")
    return path if all(32 < ord(letter) < 127 for letter in path) else "/"


def _seal(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, b"seawall waiver 1\0" + body, "sha256")


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _parts(token: str) -> tuple[bytes, bytes]:
    body, dot, seal = token.partition(".")
    if not dot or len(token) > MAX_TOKEN:
        raise TokenError("this form is incomplete; open the page again")
    try:
        return _bytes(body), _bytes(seal)
    except (binascii.Error, ValueError):
        raise TokenError("this form is incomplete; open the page again") from None


def _bytes(text: str) -> bytes:
    return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
