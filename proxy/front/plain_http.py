"""Tell a request in plain HTTP from other protocols by a client's first bytes, whatever the port. Sans-IO.

A request that comes in crumbs is told by its method where that is one of the usual ones; any other method by a whole
request line. OPTIONS begins requests of SIP (RFC 3261) and RTSP (RFC 7826) too: there the line's last word decides.
"""

from __future__ import annotations

import re

_METHODS = tuple(f"{name} ".encode() for name in "GET HEAD POST PUT DELETE PATCH TRACE CONNECT".split())
_SHARED = b"OPTIONS "
_LONGEST = 8192  # bytes of a first line that are waited for; what is longer is for whoever refuses such heads
_ALL = (*_METHODS, _SHARED)
_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32} [!-\xff]+ HTTP/1\.\d\r?\n").match
_OTHERS = re.compile(rb"OPTIONS [!-\xff]+ (?:SIP|RTSP)/\d[^\n]*\n").match


def is_request(data: bytes) -> bool | None:
    """Say whether a client speaks HTTP/1; nothing while more bytes are needed to say so."""
    begun = data.lstrip(b"\r\n")  # empty lines before a request are ignored (RFC 9112, 2.2)
    if begun.startswith(_METHODS):
        return True
    if begun.startswith(_SHARED):
        if b"\n" not in begun and len(begun) <= _LONGEST:
            return None
        return not _OTHERS(begun)
    if begun and any(method.startswith(begun) for method in _ALL):
        return None
    return _LINE(begun) is not None


def is_usual(data: bytes) -> bool:
    """Say whether a request has a method that the front serves itself; the inspector takes any."""
    return data.lstrip(b"\r\n").startswith(_ALL)
