"""WireGuard keys: 32 bytes of X25519 in base64, as `wg` writes them. Nothing is kept."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

_LENGTH = 32  # bytes


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Hold a device's keys. The private one is shown once."""

    private: str
    public: str


def new_keys() -> KeyPair:
    """Make a pair of keys."""
    return _pair(X25519PrivateKey.generate())


def keys_of(private: str) -> KeyPair:
    """Return the pair of a private key. Raises ValueError for what is no key."""
    return _pair(X25519PrivateKey.from_private_bytes(_bytes(private)))


def checked_public(key: str) -> str:
    """Return a public key in its one spelling. Raises ValueError for what is no key.

    >>> checked_public("HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=")
    'HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw='
    """
    return base64.b64encode(_bytes(key)).decode("ascii")


def _pair(key: X25519PrivateKey) -> KeyPair:
    private = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return KeyPair(base64.b64encode(private).decode("ascii"), base64.b64encode(public).decode("ascii"))


def _bytes(text: str) -> bytes:
    try:
        found = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if len(found) != _LENGTH:
        raise ValueError("a WireGuard key is 32 bytes in base64: 44 characters, the last of them `=`")
    return found
