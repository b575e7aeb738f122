"""What a client says first to a proxy: the head of an HTTP request, or a SOCKS request, read from bytes. Sans-IO.

HTTP is parsed by httptools; SOCKS5 (RFC 1928, RFC 1929) and SOCKS4a are a few fixed fields.
Nothing is judged or answered here.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

import httptools

from addons.http_heads import unfit
from addons.own_hosts import GATEWAY
from indicators.frozen import frozen

SOCKS_VERSION = 5
SOCKS4_VERSION = 4
BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
PASSWORD_PLEASE = (
    b'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="seawall", charset="UTF-8"\r\n'
    b"Content-Length: 0\r\nConnection: close\r\n\r\n"
)
NO_AUTHENTICATION = b"\x05\x00"
PASSWORD_WANTED = b"\x05\x02"
PASSWORD_TAKEN = b"\x01\x00"
PASSWORD_REFUSED = b"\x01\x01"
MAX_SOCKS4 = 600  # bytes
SOCKS4_GRANTED = b"\x00\x5a" + bytes(6)
SOCKS4_REFUSED = b"\x00\x5b" + bytes(6)
NO_METHOD = b"\x05\xff"
_CONNECT = b"CONNECT "
_SECRET = b"authorization"  # what stands in such a head is not kept
_SHORT = 1024  # bytes
_REMEMBERED = 2048  # requests for a tunnel: a browser writes the same one for each connection to a host
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


@frozen
class Asked:
    """Hold the destination asked for, as it was written, and the bytes that follow the request."""

    host: str
    port: int
    rest: bytes


@frozen
class Request:
    """Hold the head of a request.

    `fields` are its header lines as they came; `headers` the same by name in lower case, several lines of one name
    joined by commas. `head` is how many bytes it took, `rest` what follows it.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    rest: bytes
    fields: tuple[tuple[bytes, bytes], ...] = ()
    version: str = "1.1"
    upgrades: bool = False
    head: int = 0


def read_request(data: bytes) -> Request | None:
    """Return the head of the first request, or nothing while it is not whole.

    Raises GreetingError for a head that is none, is too long, or can be read in two ways.
    """
    repeats = data.startswith(_CONNECT) and len(data) <= _SHORT and _SECRET not in data.lower()
    return _read_tunnel(data) if repeats else _read(data)


def _read(data: bytes) -> Request | None:
    if why := unfit(data):
        raise GreetingError(why, BAD_REQUEST)
    begun = data.lstrip(b"\r\n")  # empty lines before a request are ignored (RFC 9112, 2.2)
    end = begun.find(b"\r\n\r\n")
    if end < 0:
        return None
    found = Head()
    parser = httptools.HttpRequestParser(found)
    try:
        parser.feed_data(begun[: end + 4])
    except httptools.HttpParserUpgrade:
        pass
    except httptools.HttpParserError as error:
        raise GreetingError(f"not a request: {error}", BAD_REQUEST) from None
    return Request(
        parser.get_method().decode("ascii"),
        found.text,
        found.by_name(),
        begun[end + 4 :],
        tuple(found.fields),
        parser.get_http_version(),
        parser.should_upgrade(),
        len(data) - len(begun) + end + 4,
    )


_read_tunnel = lru_cache(_REMEMBERED)(_read)


def connect_target(request: Request) -> Asked:
    """Return where a CONNECT request wants to go. Raises GreetingError when it names no host and port."""
    host, _, port = request.target.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise GreetingError("CONNECT names no host and port", BAD_REQUEST)
    return Asked(host.removeprefix("[").removesuffix("]"), int(port), request.rest)


def is_for_us(request: Request) -> bool:
    """Say whether a request asks the proxy's own port for a page: its target is a path (RFC 9112, section 3.2.1)."""
    return request.target.startswith("/") and request.method in ("GET", "HEAD")


def to_us(data: bytes) -> bytes:
    """Write a request for us as a proxy's client would: in absolute form, for the gateway's own name, as the last one.

    Host is left as it came: it says at which address the client reaches the proxy. What follows on the connection is
    not served: it would need a password where one is required, and nobody behind this door asks for it.
    """
    line, _, fields = data.lstrip(b"\r\n").partition(b"\r\n")
    method, _, rest = line.partition(b" ")
    return b"%s http://%s%s\r\nConnection: close\r\n%s" % (method, GATEWAY.encode(), rest, fields)


def basic_credentials(header: str) -> tuple[str, str] | None:
    """Return user name and password of a Basic authorization (RFC 7617); nothing for another kind."""
    kind, _, encoded = header.partition(" ")
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except ValueError:
        return None
    return (user, password) if kind.lower() == "basic" and colon else None


class Head:
    """Collect what httptools gives of a head, in parts or whole."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.reason = b""
        self.fields: list[tuple[bytes, bytes]] = []

    def on_url(self, part: bytes) -> None:
        """Keep a part of the target."""
        self._parts.append(part)

    def on_status(self, part: bytes) -> None:
        """Keep a part of the reason phrase."""
        self.reason += part

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header line."""
        self.fields.append((name, value))

    def by_name(self) -> dict[str, str]:
        """Return the headers by name in lower case, lines of one name joined (RFC 9110, 5.3)."""
        found: dict[str, str] = {}
        for name, value in self.fields:
            key, text = name.decode("latin-1").lower(), value.decode("latin-1")
            found[key] = f"{found[key]}, {text}" if key in found else text
        return found

    @property
    def text(self) -> str:
        """Return the target."""
        return b"".join(self._parts).decode("ascii", errors="replace")


def read_socks_methods(data: bytes) -> tuple[int, frozenset[int]] | None:
    """Return the length of a SOCKS5 method selection and the methods offered; nothing while it is not whole.

    Raises GreetingError for another version.
    """
    if data and data[0] != SOCKS_VERSION:
        raise GreetingError("not SOCKS version 5")
    length = 2 + data[1] if len(data) > 1 else 0
    if not length or len(data) < length:
        return None
    return length, frozenset(data[2:length])


def read_socks_password(data: bytes) -> tuple[str, str, int] | None:
    """Return user name, password and length of a SOCKS5 subnegotiation (RFC 1929); nothing while it is not whole."""
    if data and data[0] != 1:
        raise GreetingError("not version 1 of the user and password subnegotiation", PASSWORD_REFUSED)
    if len(data) < 2 or len(data) < 3 + data[1]:
        return None
    at = 2 + data[1]
    end = at + 1 + data[at]
    if len(data) < end:
        return None
    user, password = data[2:at].decode("utf-8", "replace"), data[at + 1 : end].decode("utf-8", "replace")
    return user, password, end


def read_socks4(data: bytes) -> Asked | None:
    """Return the destination of a SOCKS4 or SOCKS4a CONNECT, or nothing while the request is not whole."""
    if len(data) > MAX_SOCKS4:
        raise GreetingError("the request is too long", SOCKS4_REFUSED)
    if len(data) < 9:
        return None
    if data[1] != 1:
        raise GreetingError("only CONNECT is served", SOCKS4_REFUSED)
    end = data.find(b"\0", 8) + 1
    if not end:
        return None
    port, address = int.from_bytes(data[2:4]), data[4:8]
    if address[:3] != b"\0\0\0" or not address[3]:
        return Asked(str(IPv4Address(address)), port, data[end:])
    stop = data.find(b"\0", end)  # SOCKS4a: the name follows the user's
    if stop < 0:
        return None
    name = data[end:stop]
    if not name.isascii():
        raise GreetingError("the host name is not ASCII", SOCKS4_REFUSED)
    return Asked(name.decode("ascii"), port, data[stop + 1 :])


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
