"""Refuse request heads that two programs could read in two ways: how smuggled requests get past whoever judges them.

Sans-IO and without mitmproxy: the front asks here too.
"""

from __future__ import annotations

from collections.abc import Sequence

MAX_HEAD = 64 * 1024  # bytes of a request head
_END = b"\r\n\r\n"


def unfit(data: bytes) -> str:
    """Say why what a client has sent cannot become a request head that is taken; empty when it can, or is one."""
    begun = data.lstrip(b"\r\n")  # empty lines before a request are ignored (RFC 9112, 2.2)
    end = begun.find(_END)
    head = begun[:end] if end >= 0 else begun
    if len(head) > MAX_HEAD:
        return f"the request head is longer than {MAX_HEAD} bytes"
    if end >= 0:
        return ambiguity_of(head.split(b"\r\n"))
    ends_otherwise = b"\n\n" in head or b"\n\r\n" in head
    return "a line that ends in LF alone" if ends_otherwise else ""


def ambiguity_of(lines: Sequence[bytes]) -> str:
    """Say why a head, cut at CRLF, could be read in two ways; empty when it can't (RFC 9112, 2.2, 5.2, 6.3)."""
    named: list[bytes] = []
    codings: list[bytes] = []
    if _has_control(b"".join(lines)):
        return _where_control(lines)
    for line in lines[1:]:
        if line[:1] in (b" ", b"\t"):
            return "a folded header line"
        name, _, value = line.partition(b":")
        named.append(name.lower())
        if named[-1] == b"transfer-encoding":
            codings.append(value.strip().lower())
    if b"content-length" in named and b"transfer-encoding" in named:
        return "both Content-Length and Transfer-Encoding"
    if named.count(b"content-length") > 1:
        return "two Content-Length headers"
    if codings and codings != [b"chunked"]:
        return "a Transfer-Encoding that is not chunked"
    return "two Host headers" if named.count(b"host") > 1 else ""


def _where_control(lines: Sequence[bytes]) -> str:
    if _has_control(lines[0]):
        return "a control character in the request line"
    return "a control character in a header line"


def _has_control(line: bytes) -> bool:
    return b"\r" in line or b"\n" in line or b"\0" in line
