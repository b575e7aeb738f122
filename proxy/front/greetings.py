"""What a client says first to a proxy: HTTP CONNECT and SOCKS5 requests, read from bytes. Sans-IO.

HTTP is parsed by httptools; SOCKS5 (RFC 1928) is a few fixed fields. Nothing is judged or answered here.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

import httptools

MAX_HEAD = 64 * 1024  # bytes of a request head
SOCKS_VERSION = 5
BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
NO_AUTHENTICATION = b"\x05\x00"
NO_METHOD = b"\x05\xff"
_TAIL = b"\x00\x01\x00\x00\x00\x00\x00\x00"
SUCCEEDED = b"\x05\x00" + _TAIL
FAILED = b"\x05\x01" + _TAIL
NOT_ALLOWED = b"\x05\x02" + _TAIL
UNREACHABLE = b"\x05\x04" + _TAIL
NO_SUCH_COMMAND = b"\x05\x07" + _TAIL
NO_SUCH_ADDRESS = b"\x05\x08" + _TAIL


class GreetingError(ValueError):
    """Say that a greeting is malformed; `reply` is what the protocol answers, empty for nothing."""

    def __init__(self, why: str, reply: bytes = b"") -> None:
        super().__init__(why)
        self.reply = reply


@dataclass(frozen=True, slots=True)
class Asked:
    """Hold the destination asked for, as it was written, and the bytes that follow the request."""

    host: str
    port: int
    rest: bytes


def may_be_connect(data: bytes) -> bool:
    """Say whether the bytes are, or could become, a CONNECT request."""
    return b"CONNECT ".startswith(data[:8])


def read_connect(data: bytes) -> Asked | None:
    """Return the destination of a CONNECT request, or nothing while its head is not whole.

    Raises GreetingError for a head that is none or too long.
    """
    end = data.find(b"\r\n\r\n")
    if end < 0:
        if len(data) > MAX_HEAD:
            raise GreetingError(f"the request head is longer than {MAX_HEAD} bytes", BAD_REQUEST)
        return None
    target = _Target()
    parser = httptools.HttpRequestParser(target)
    try:
        parser.feed_data(data[: end + 4])
    except httptools.HttpParserUpgrade:
        pass
    except httptools.HttpParserError as error:
        raise GreetingError(f"not a CONNECT request: {error}", BAD_REQUEST) from None
    host, _, port = target.text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise GreetingError("CONNECT names no host and port", BAD_REQUEST)
    return Asked(host.removeprefix("[").removesuffix("]"), int(port), data[end + 4 :])


class _Target:
    """Collect the request target; httptools may give it in parts."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def on_url(self, part: bytes) -> None:
        self._parts.append(part)

    @property
    def text(self) -> str:
        return b"".join(self._parts).decode("ascii", errors="replace")


def read_socks_methods(data: bytes) -> int:
    """Return the length of a SOCKS5 method selection, 0 while it is not whole.

    Raises GreetingError for another version, or when the client does not offer to come without authentication.
    """
    if data and data[0] != SOCKS_VERSION:
        raise GreetingError("not SOCKS version 5")
    length = 2 + data[1] if len(data) > 1 else 0
    if not length or len(data) < length:
        return 0
    if 0 not in data[2:length]:
        raise GreetingError("the client offers no method that is served here", NO_METHOD)
    return length


def read_socks_request(data: bytes) -> Asked | None:
    """Return the destination of a SOCKS5 CONNECT, or nothing while the request is not whole (RFC 1928, section 4).

    Raises GreetingError for other commands and address types, with the reply that says so.
    """
    if len(data) < 5:
        return None
    version, command, _, kind, first = data[:5]
    if version != SOCKS_VERSION:
        raise GreetingError("not SOCKS version 5")
    if command != 1:
        raise GreetingError("only CONNECT is served", NO_SUCH_COMMAND)
    if kind not in _ADDRESS_END:
        raise GreetingError("no such address type", NO_SUCH_ADDRESS)
    end = _ADDRESS_END[kind] or 5 + first
    if len(data) < end + 2:
        return None
    port = int.from_bytes(data[end : end + 2])
    return Asked(_socks_host(kind, data[4:end]), port, data[end + 2 :])


_ADDRESS_END = {1: 8, 3: 0, 4: 20}  # address type -> where its field ends; 0 for a name with its own length


def _socks_host(kind: int, field: bytes) -> str:
    if kind == 1:
        return str(IPv4Address(field))
    if kind == 4:
        return str(IPv6Address(field))
    try:
        return field[1:].decode("ascii")
    except UnicodeDecodeError:
        raise GreetingError("the host name is not ASCII", FAILED) from None
