"""Make what a device shows to be known, and the hash that is kept of it. Pure but for random numbers.

A token is 128 random bits in 26 characters of lower-case base32: one DNS label that keeps its meaning in any letter
case. Nobody can guess one, so a fast keyed hash keeps them; a slow one would only delay every connection.
"""

from __future__ import annotations

import base64
import re
import secrets
from dataclasses import dataclass
from hashlib import blake2b

_SHAPE = re.compile(r"[a-z2-7]{26}", re.ASCII)


@dataclass(frozen=True, slots=True)
class NewCredentials:
    """Hold a device's secrets in clear text, once: they are shown and never stored."""

    token: str
    user: str
    password: str


def new_credentials(device_id: str) -> NewCredentials:
    """Make all credentials of a device. Token and password differ: a DoT token can be seen on the wire (its SNI)."""
    return NewCredentials(_random(), f"device-{device_id[:8]}", _random())


def _random() -> str:
    return base64.b32encode(secrets.token_bytes(16)).decode("ascii").rstrip("=").lower()


def token_of(text: str) -> str:
    """Return a token in the form that is hashed; empty for what cannot be one."""
    lowered = text.lower()
    return lowered if _SHAPE.fullmatch(lowered) else ""


def hashed(key: bytes, secret: str) -> str:
    """Return the hash that is kept of a token or password, under this installation's key."""
    return blake2b(secret.encode(), key=key, digest_size=24, person=b"seawall-device").hexdigest()
