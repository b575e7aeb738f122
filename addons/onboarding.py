"""The page that sets a device up and lets it test itself: laid out here, served by whoever a device can reach.

Which platform a device has is guessed from its user agent and only says which steps are unfolded: all are there.
"""

from __future__ import annotations

import hashlib
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from addons import layout
from addons.own_hosts import CHECKS

type Making = Callable[[str], tuple[bytes, str]]
"""Make a file for a client that asked for this host (`host:port` as in its Host header): body and media type."""

_ANYWHERE = f"http://*.{CHECKS} https://*.{CHECKS}"
POLICY = (
    f"default-src 'none'; style-src {layout.source_of('page.css')}; script-src {layout.source_of('onboarding.js')}; "
    f"connect-src {_ANYWHERE}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
CHECK_NAMES = (
    ("dns", "Names", "Names that this device asks for come to the gateway.", "asks another resolver than the gateway"),
    ("sni", "Connections", "Encrypted connections pass the gateway.", "sends encrypted connections past the gateway"),
    ("url", "Certificate", "The certificate is trusted.", "does not trust the certificate yet: links cannot be judged"),
    ("blocking", "Blocking", "Unsafe sites are stopped.", "is not protected now: paused, audit mode, or no test feed"),
)  # fmt: skip


CA_FILES = {  # Android and Firefox open PEM as x-x509-ca-cert, Windows DER as pkix-cert
    "/ca.pem": ("pem", "application/x-x509-ca-cert"),
    "/ca.crt": ("pem", "application/x-x509-ca-cert"),
    "/ca.cer": ("der", "application/pkix-cert"),
    "/ca.der": ("der", "application/x-x509-ca-cert"),
}
"""The CA's files: form and media type by path."""


class Platform(StrEnum):
    """Name the platforms that have steps of their own."""

    IOS = "ios"
    ANDROID = "android"
    MACOS = "macos"
    WINDOWS = "windows"
    LINUX = "linux"


_SIGNS = (
    (re.compile(r"\b(?:iPhone|iPad|iPod)\b"), Platform.IOS),
    (re.compile(r"\bAndroid\b"), Platform.ANDROID),
    (re.compile(r"\bMacintosh\b|\bMac OS X\b"), Platform.MACOS),
    (re.compile(r"\bWindows\b"), Platform.WINDOWS),
)


@dataclass(frozen=True, slots=True)
class Page:
    """Hold a page and the Content-Security-Policy that it needs."""

    html: str
    policy: str = POLICY


def platform_of(user_agent: str) -> Platform:
    """Guess a platform; what names none is taken for Linux, whose steps say most.

    >>> platform_of("Mozilla/5.0 (Linux; Android 10; K)").value
    'android'
    """
    return next((platform for sign, platform in _SIGNS if sign.search(user_agent)), Platform.LINUX)


def page_of(user_agent: str, fingerprint: str, device: str = "", base: str = "/") -> Page:
    """Return the page; `base` is where the files lie, `device` who the gateway takes the device for."""
    platform = platform_of(user_agent)
    values = {"fingerprint": fingerprint, "device": device, "base": base, "platform": platform, "zone": CHECKS}
    return Page(layout.render("onboarding.html", script="onboarding.js", checks=CHECK_NAMES, **values))


def encoded(pem: bytes, form: str) -> bytes:
    """Return a certificate (PEM) in the form `pem` or `der`."""
    return pem if form == "pem" else ssl.PEM_cert_to_DER_cert(pem.decode("ascii"))


def fingerprint_of(pem: bytes) -> str:
    """Return a certificate's SHA-256 as devices show it: upper-case pairs with colons."""
    return hashlib.sha256(encoded(pem, "der")).digest().hex(":").upper()
