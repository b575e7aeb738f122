"""Whole messages with descriptors over a Unix socket, and who is at the other end, whatever system this is.

Linux keeps messages apart by itself (SOCK_SEQPACKET). macOS has no such Unix sockets: there each message goes over a
stream behind its length. Nothing is known here of what messages mean.
"""

from __future__ import annotations

import errno
import select
import socket
import struct
from collections.abc import Sequence
from functools import cache

_LENGTH = struct.Struct("!I")
_PROMPTLY = 0.5  # seconds in which the rest of a message that has begun goes over a stream
_PEER_CREDENTIALS = struct.Struct("=3i")  # struct ucred of Linux: pid, uid, gid
_LOCAL_PEERCRED = struct.Struct("=2I")  # the head of macOS' struct xucred: version, uid


@cache
def kind() -> socket.SocketKind:
    """Return the kind of socket that carries messages on this system."""
    try:
        socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).close()
    except OSError:
        return socket.SOCK_STREAM
    return socket.SOCK_SEQPACKET


def send(sock: socket.socket, message: bytes, descriptors: Sequence[int]) -> None:
    """Send a message. Raises BlockingIOError where there is no room for it, another OSError when the other end is gone.

    A stream that has taken a part alone is shut down.
    """
    if sock.type == socket.SOCK_SEQPACKET:
        socket.send_fds(sock, [message], descriptors)
        return
    framed = memoryview(_LENGTH.pack(len(message)) + message)
    sent = socket.send_fds(sock, [framed], descriptors)
    while sent < len(framed):
        _, ready, _ = select.select([], [sock], [], _PROMPTLY)
        if not ready:
            sock.shutdown(socket.SHUT_RDWR)  # half a message is none
            raise BlockingIOError(errno.EAGAIN, "the other end does not take the rest of a message")
        sent += sock.send(framed[sent:])


def receive(sock: socket.socket, most: int, descriptors: int) -> tuple[bytes, list[int]]:
    """Return the next message with its descriptors, an empty one at the end.

    Raises BlockingIOError while there is none; another OSError says that the sender has gone in the middle, or sends
    what is no message of at most `most` bytes.
    """
    if sock.type == socket.SOCK_SEQPACKET:
        message, came, _, _ = socket.recv_fds(sock, most, descriptors)
        return message, came
    head, came, _, _ = socket.recv_fds(sock, _LENGTH.size, descriptors)
    if not head:
        return b"", came
    (length,) = _LENGTH.unpack(head + _rest(sock, _LENGTH.size - len(head)))
    if length > most:
        raise ConnectionAbortedError(f"a message of {length} bytes is too long")
    return _rest(sock, length), came


def peer_uid(sock: socket.socket) -> int:
    """Return the user id of the process at the other end of a Unix socket, as the kernel vouches for it."""
    if hasattr(socket, "SO_PEERCRED"):
        raw = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER_CREDENTIALS.size)
        return int(_PEER_CREDENTIALS.unpack(raw)[1])
    raw = sock.getsockopt(0, 1, 76)  # pragma: no cover - SOL_LOCAL and LOCAL_PEERCRED of macOS
    return int(_LOCAL_PEERCRED.unpack_from(raw)[1])  # pragma: no cover


def _rest(sock: socket.socket, length: int) -> bytes:
    """Read what was begun to its end."""
    parts = bytearray()
    while len(parts) < length:
        ready, _, _ = select.select([sock], [], [], _PROMPTLY)
        part = sock.recv(length - len(parts)) if ready else b""
        if not part:
            raise ConnectionAbortedError("a message that was begun does not go on")
        parts += part
    return bytes(parts)
