"""Read a TLS ClientHello from the first bytes of a connection: server name, ALPN, versions, Encrypted ClientHello.

Sans-IO and pure: bytes in, a value out. It reads what a proxy needs and checks every length against what is there
(RFC 8446, sections 4.1.2 and 5.1; RFC 6066, section 3; RFC 7301). It decides nothing and answers nothing.
"""

from __future__ import annotations

from functools import lru_cache

from indicators.frozen import frozen

MAX_PEEK = 64 * 1024  # bytes looked at before a ClientHello counts as endless
_HANDSHAKE = 22
_CLIENT_HELLO = 1
_MAX_RECORD = 16384 + 256
_RECORD = bytes((_HANDSHAKE, 3))  # how a record begins, before the minor version
_LAST_MINOR = 4
_SEEN = 1024  # lists of protocols and versions whose reading is remembered: a program's are the same each time
_SERVER_NAME = 0x0000
_ALPN = 0x0010
_SUPPORTED_VERSIONS = 0x002B
_ECH = 0xFE0D


class NotTlsError(ValueError):
    """Say that the bytes are no TLS ClientHello, and why."""


@frozen
class ClientHello:
    """Hold what a client offers.

    `server_name` is lower case, empty when none was sent; `versions` are the wire's numbers (0x0303 is TLS 1.2), from
    `supported_versions` where present. GREASE is left in.
    """

    server_name: str = ""
    alpn: tuple[bytes, ...] = ()
    versions: tuple[int, ...] = ()
    has_ech: bool = False


def looks_like_tls(data: bytes) -> bool:
    """Say whether the bytes could begin a TLS handshake record; true for an empty beginning.

    >>> looks_like_tls(b"GET / HTTP/1.1")
    False
    """
    begun = data[:3]
    return _RECORD.startswith(begun) if len(begun) < 3 else begun[:2] == _RECORD and begun[2] <= _LAST_MINOR


def read_client_hello(data: bytes) -> ClientHello | None:
    """Return the ClientHello, or nothing while more bytes are needed.

    The message may be split over records and packets at any place. Raises NotTlsError when it cannot become one.
    """
    message = _handshake_message(data)
    return None if message is None else _parse(message)


def _handshake_message(data: bytes) -> bytes | None:
    """Join the records' fragments until the first handshake message is whole."""
    if not looks_like_tls(data):
        raise NotTlsError("not a TLS handshake record")
    message = bytearray()
    at = 0
    while len(data) - at >= 5:
        kind, major, length = data[at], data[at + 1], int.from_bytes(data[at + 3 : at + 5])
        if kind != _HANDSHAKE or major != 3 or not 0 < length <= _MAX_RECORD:
            raise NotTlsError("a record that is no handshake stands inside the ClientHello")
        message += data[at + 5 : at + 5 + length]
        if message and message[0] != _CLIENT_HELLO:
            raise NotTlsError("the first handshake message is no ClientHello")
        if len(message) >= 4:
            end = 4 + int.from_bytes(message[1:4])
            if end > MAX_PEEK:
                raise NotTlsError(f"the ClientHello is longer than {MAX_PEEK} bytes")
            if len(message) >= end:
                return bytes(message[4:end])
        at += 5 + length
    if len(data) > MAX_PEEK:
        raise NotTlsError(f"no whole ClientHello in {MAX_PEEK} bytes")
    return None


class _Bytes:
    """Take length-prefixed fields off the front of a message; a field that overruns raises NotTlsError."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._data):
            raise NotTlsError("a length in the ClientHello points past its end")
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width))

    def only_field(self, width: int) -> _Bytes:
        """Return a field that must be all there is; what stands behind it, another reader might count in."""
        field = _Bytes(self.take(self.number(width)))
        if self:
            raise NotTlsError("a list in the ClientHello ends before its extension")
        return field


def _parse(body: bytes) -> ClientHello:
    found = _extensions(body)
    return ClientHello(
        server_name=_server_name(found.get(_SERVER_NAME, b"")),
        alpn=_protocols(found.get(_ALPN, b"")),
        versions=_versions(found.get(_SUPPORTED_VERSIONS, b"")) or (int.from_bytes(body[:2]),),
        has_ech=_ECH in found,
    )


def _extensions(body: bytes) -> dict[int, bytes]:
    """Return the extensions by kind, the first of each; none before TLS 1.3 is allowed.

    This is where the time goes for each connection, so it counts in the message itself rather than by `_Bytes`.
    """
    try:
        at = 35 + body[34]  # version, random, session id
        at += 2 + (body[at] << 8 | body[at + 1])  # cipher suites
        at += 1 + body[at]  # compression methods
        if at == len(body):
            return {}
        end = at + 2 + (body[at] << 8 | body[at + 1])
        at += 2
        found: dict[int, bytes] = {}
        while at < end <= len(body):
            kind, size = body[at] << 8 | body[at + 1], body[at + 2] << 8 | body[at + 3]
            at += 4 + size
            found.setdefault(kind, body[at - size : at])
    except IndexError:
        raise NotTlsError("a length in the ClientHello points past its end") from None
    if at != end or end > len(body):
        raise NotTlsError("a length in the ClientHello points past its end")
    return found


def _server_name(extension: bytes) -> str:
    """Return the first name of type host_name (0). What is not ASCII cannot be a name, and counts as none."""
    if not extension:
        return ""
    length = len(extension)
    if (
        extension[2:3] == b"\0"
        and extension[:2] == (length - 2).to_bytes(2)
        and extension[3:5] == (length - 5).to_bytes(2)
    ):
        return _ascii(extension[5:])  # one name and nothing else, as all clients send it
    names = _Bytes(extension).only_field(2)
    while names:
        kind = names.number(1)
        name = names.take(names.number(2))
        if kind == 0:
            return _ascii(name)
    return ""


def _ascii(name: bytes) -> str:
    return name.decode("ascii").lower() if name.isascii() else ""


@lru_cache(_SEEN)
def _protocols(extension: bytes) -> tuple[bytes, ...]:
    if not extension:
        return ()
    offered = _Bytes(extension).only_field(2)
    protocols = []
    while offered:
        protocols.append(offered.take(offered.number(1)))
    return tuple(protocols)


@lru_cache(_SEEN)
def _versions(extension: bytes) -> tuple[int, ...]:
    if not extension:
        return ()
    offered = _Bytes(extension).only_field(1)
    versions = []
    while offered:
        versions.append(offered.number(2))
    return tuple(versions)
