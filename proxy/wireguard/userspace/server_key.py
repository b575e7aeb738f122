"""The server's key of one device's listener, derived from the tunnel's own key: nothing more to keep, none is shared.

A device that knows another's port still finds another server there. Pure.
"""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from proxy.profiles.keys import KeyPair, keys_of

_LENGTH = 32  # bytes; X25519 clamps what it is given (RFC 7748, section 5)


def own_keys(server: KeyPair, device: str) -> KeyPair:
    """Return the server's pair for the listener of a device, by its id."""
    derived = HKDF(SHA256(), _LENGTH, salt=None, info=f"seawall tunnel of {device}".encode())
    return keys_of(base64.b64encode(derived.derive(base64.b64decode(server.private))).decode("ascii"))
