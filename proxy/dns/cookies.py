"""DNS cookies for clients (RFC 7873, RFC 9018): what a client sends comes back, so that it can tell our answers apart.

The server's part has the layout of RFC 9018 with a keyed BLAKE2 in place of SipHash, for no other server shares our
secret. Nothing is refused for want of a cookie: who may ask is a matter of `dns.allow_clients` and `dns.rate_limit`.
"""

from __future__ import annotations

import secrets
from hashlib import blake2s

from proxy.dns.codes import Option
from proxy.dns.question import Edns

_CLIENT_PART = 8  # octets
_VERSION = b"\1\0\0\0"  # version 1 and three reserved octets
_SIZES = frozenset((_CLIENT_PART, *range(16, 41)))  # RFC 7873 section 4


class BadCookieError(ValueError):
    """Say that a cookie has a size that none may have; such a query is answered FORMERR (RFC 7873 section 5.2.2)."""


class Cookies:
    """Make server cookies under a secret of this process."""

    def __init__(self, secret: bytes | None = None) -> None:
        self._secret = secret or secrets.token_bytes(16)

    def answer(self, edns: Edns | None, address: str, now: float) -> bytes:
        """Return the COOKIE option's data for a reply, empty where the client sent none. `now` is in seconds.

        Raises BadCookieError.
        """
        sent = edns.option(Option.COOKIE) if edns is not None and edns.options else None
        if sent is None:
            return b""
        if len(sent) not in _SIZES:
            raise BadCookieError(f"a cookie of {len(sent)} octets")
        head = sent[:_CLIENT_PART] + _VERSION + (int(now) & 0xFFFF_FFFF).to_bytes(4)
        return head + blake2s(head + address.encode(), key=self._secret, digest_size=8).digest()
