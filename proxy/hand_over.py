"""Hand an accepted client socket from the front to an inspector, with the bytes already read.

The socket itself crosses by SCM_RIGHTS over a Unix socket in a 0700 directory; the receiver checks the sender's user by
the credentials that the kernel vouches for, so that no client can forge a hand-over. After `send` the front must close
its own copy and touch the connection no more. Nothing is judged here.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from indicators.observation import Address, Device
from proxy import local_messages
from proxy.dns.wire import device_from_json, device_to_json

MAX_MESSAGE = 384 * 1024  # bytes: what was read of the client and of a server, and the note before it
_LENGTH = struct.Struct("!I")
_WAITING = 128  # connections of fronts that wait to be accepted


class Kind(StrEnum):
    """Say how far a client has come."""

    HTTP = "http"  # nothing was answered; `data` begins with a request, CONNECT or another
    SOCKS = "socks"  # SOCKS5 without a further method was agreed on; `data` begins with the client's request
    TUNNEL = "tunnel"  # the client was told that its tunnel stands, or it knows of none; `data` is what it sent inside


@dataclass(frozen=True, slots=True)
class HandOver:
    """Say what is handed over.

    A `TUNNEL` names its destination as it was asked for; `addresses` are those judged for it, if it was looked up.
    `device` is who the client is: it was found out where the connection came in, and is not asked for again. `guarded`
    says that it came from beyond this machine, and may not reach private destinations. With an `upstream`, the first
    request in `data` was sent to it already, and `answered` is what it has sent so far.
    """

    kind: Kind
    data: bytes
    device: Device
    host: str = ""
    port: int = 0
    addresses: tuple[Address, ...] = ()
    guarded: bool = False
    upstream: socket.socket | None = None
    answered: bytes = b""

    def note(self) -> dict[str, Any]:
        """Return all but the bytes, as JSON has it; a log may hold it."""
        return {
            "kind": self.kind,
            "device": device_to_json(self.device),
            "host": self.host,
            "port": self.port,
            "addresses": [str(address) for address in self.addresses],
            "guarded": self.guarded,
            "answered": len(self.answered),
        }


class Sender:
    """Send sockets to one inspector. It connects when first used, and anew when the inspector was started again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._socket: socket.socket | None = None

    def send(self, given: HandOver, client: int) -> None:
        """Hand over the socket with this descriptor.

        Raises BlockingIOError while the inspector's queue is full, another OSError when no inspector takes it.
        """
        note = json.dumps(given.note()).encode()
        message = _LENGTH.pack(len(note)) + note + given.data + given.answered
        if len(message) > MAX_MESSAGE:
            raise OSError(errno.EMSGSIZE, "more was read of a connection than can be handed over")
        descriptors = [client] if given.upstream is None else [client, given.upstream.fileno()]
        try:
            local_messages.send(self._connected(), message, descriptors)
        except ConnectionError:
            self.close()
            local_messages.send(self._connected(), message, descriptors)

    def close(self) -> None:
        """Close the connection to the inspector."""
        if self._socket:
            self._socket.close()
            self._socket = None

    def _connected(self) -> socket.socket:
        if self._socket is None:
            made = socket.socket(socket.AF_UNIX, local_messages.kind())
            try:
                made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * MAX_MESSAGE)
                made.setblocking(False)
                made.connect(str(self._path))
            except OSError:
                made.close()
                raise
            self._socket = made
        return self._socket


def listen(path: Path) -> socket.socket:
    """Open the inspector's end. The directory is ours alone (0700)."""
    path.unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX, local_messages.kind())
    server.bind(str(path))
    path.chmod(0o600)
    server.listen(_WAITING)
    server.setblocking(False)
    return server


def accept(server: socket.socket) -> socket.socket | None:
    """Accept a front's connection; nothing when another user's process knocked."""
    peer, _ = server.accept()
    if local_messages.peer_uid(peer) != os.getuid():
        peer.close()
        return None
    peer.setblocking(False)
    return peer


def receive(peer: socket.socket, take: Callable[[HandOver, socket.socket], None]) -> bool:
    """Take every hand-over that waits; false when the front has closed its end."""
    while True:
        try:
            message, descriptors = local_messages.receive(peer, MAX_MESSAGE, 2)
        except BlockingIOError:
            return True
        except ConnectionError:
            return False
        if not message:
            return False
        ends = [socket.socket(fileno=descriptor) for descriptor in descriptors]
        for end in ends:
            end.setblocking(False)
        if ends:
            take(replace(_read(message), upstream=ends[1] if len(ends) > 1 else None), ends[0])


def _read(message: bytes) -> HandOver:
    (length,) = _LENGTH.unpack_from(message)
    end = _LENGTH.size + length
    note = json.loads(message[_LENGTH.size : end])
    answered = len(message) - int(note["answered"])
    return HandOver(
        Kind(note["kind"]),
        message[end:answered],
        device_from_json(note["device"]),
        note["host"],
        note["port"],
        tuple(ip_address(text) for text in note["addresses"]),
        bool(note["guarded"]),
        answered=message[answered:],
    )
