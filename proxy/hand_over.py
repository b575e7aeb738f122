"""Hand an accepted client socket from the front to an inspector, with the bytes already read.

The socket itself crosses by SCM_RIGHTS over a Unix socket in a 0700 directory; the receiver checks the sender's user by
the credentials that the kernel vouches for, so that no client can forge a hand-over. After `send` the front must close
its own copy and touch the connection no more. Nothing is judged here.
"""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

_MAX_MESSAGE = 192 * 1024  # bytes: the peeked bytes and the note before them
_LENGTH = struct.Struct("!I")
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid


@dataclass(frozen=True, slots=True)
class HandOver:
    """Say what is handed over.

    `listener` is where the client came in (`http` or `socks`). With a `host`, the client has been told that its tunnel
    stands and `data` is what it sent inside; without one, `data` is all it has sent, from its first byte.
    """

    listener: str
    data: bytes
    host: str = ""
    port: int = 0


class Sender:
    """Send sockets to one inspector. It connects when first used, and anew when the inspector was started again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._socket: socket.socket | None = None

    def send(self, given: HandOver, client: int) -> None:
        """Hand over the socket with this descriptor. Raises OSError when no inspector takes it."""
        note = json.dumps({"listener": given.listener, "host": given.host, "port": given.port}).encode()
        message = _LENGTH.pack(len(note)) + note + given.data
        try:
            socket.send_fds(self._connected(), [message], [client])
        except (ConnectionError, BrokenPipeError):
            self.close()
            socket.send_fds(self._connected(), [message], [client])

    def close(self) -> None:
        """Close the connection to the inspector."""
        if self._socket:
            self._socket.close()
            self._socket = None

    def _connected(self) -> socket.socket:
        if self._socket is None:
            made = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            try:
                made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * _MAX_MESSAGE)
                made.connect(str(self._path))
                made.setblocking(False)
            except OSError:
                made.close()
                raise
            self._socket = made
        return self._socket


def listen(path: Path) -> socket.socket:
    """Open the inspector's end. The directory is ours alone (0700)."""
    path.unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    server.bind(str(path))
    path.chmod(0o600)
    server.listen(16)
    server.setblocking(False)
    return server


def accept(server: socket.socket) -> socket.socket | None:
    """Accept a front's connection; nothing when another user's process knocked."""
    peer, _ = server.accept()
    _, uid, _ = _CREDENTIALS.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    if uid != os.getuid():
        peer.close()
        return None
    peer.setblocking(False)
    return peer


def receive(peer: socket.socket, take: Callable[[HandOver, socket.socket], None]) -> bool:
    """Take every hand-over that waits; false when the front has closed its end."""
    while True:
        try:
            message, descriptors, _, _ = socket.recv_fds(peer, _MAX_MESSAGE, 1)
        except BlockingIOError:
            return True
        except ConnectionError:
            return False
        if not message:
            return False
        for descriptor in descriptors:
            client = socket.socket(fileno=descriptor)
            client.setblocking(False)
            take(_read(message), client)


def _read(message: bytes) -> HandOver:
    (length,) = _LENGTH.unpack_from(message)
    end = _LENGTH.size + length
    return HandOver(**json.loads(message[_LENGTH.size : end]), data=message[end:])


def as_json(given: HandOver) -> dict[str, object]:
    """Return what a log may say of a hand-over: all but the bytes."""
    return {name: value for name, value in asdict(given).items() if name != "data"}
