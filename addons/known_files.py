"""Which addresses have given files that are to be looked into, so that one is asked for whole when it is resumed.

A download that is resumed was begun before, at the same address: most addresses of files do not look like one. Only
digests are kept, a bounded number of them. Nothing is decided here but whether an address is known.
"""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b

_MOST = 8192  # addresses
_DIGEST = 16  # octets


class KnownFiles:
    """Remember addresses; the one used longest ago gives way."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._known: OrderedDict[bytes, None] = OrderedDict()

    def learn(self, host: str, port: int, path: str) -> None:
        """Take note of an address that gave a file."""
        key = _key(host, port, path)
        self._known[key] = None
        self._known.move_to_end(key)
        if len(self._known) > self._most:
            self._known.popitem(last=False)

    def holds(self, host: str, port: int, path: str) -> bool:
        """Say whether a file has come from this address."""
        key = _key(host, port, path)
        if key not in self._known:
            return False
        self._known.move_to_end(key)
        return True


def _key(host: str, port: int, path: str) -> bytes:
    return blake2b(f"{host.lower()}\0{port}\0{path}".encode("utf-8", "replace"), digest_size=_DIGEST).digest()
