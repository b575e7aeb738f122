"""Hand an accepted client socket from the front to an inspector, with the bytes already read.

The socket itself crosses by SCM_RIGHTS over a Unix socket in a 0700 directory; the receiver checks the sender's user by
the credentials that the kernel vouches for, so that no client can forge a hand-over. Nothing is judged here.

Each hand-over is answered before it is served. Until then it is the front's: once `Sender.end` has returned, what was
not answered never will be, so that exactly one of the two has the client. After the answer the front must close its
own copy and touch the connection no more.
"""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from indicators.observation import Address, Device
from proxy import local_messages
from proxy.dns.wire import device_from_json, device_to_json

MAX_MESSAGE = 384 * 1024  # bytes: what was read of the client and of a server, and the note before it
HEAD = struct.Struct("!IIB")  # number, length of the note (0: only an answer is wanted), how many sockets there are
ANSWER = struct.Struct("!I?")
_ENDS = 2  # sockets at most: the client's and a server's
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
    """Answer and take every hand-over that waits; false when the front has closed its end.

    What cannot be answered was withdrawn, and is the front's to serve.
    """
    while True:
        try:
            message, descriptors = local_messages.receive(peer, MAX_MESSAGE, _ENDS)
        except BlockingIOError:
            return True
        except ConnectionError:
            return False
        if not message:
            return False
        ends = [socket.socket(fileno=descriptor) for descriptor in descriptors]
        given = None
        try:
            given = _answered(peer, message, ends)
        except ConnectionError:
            return False
        finally:
            if given is None:
                _close(ends)
        if given is not None:
            take(given, ends[0])


def _answered(peer: socket.socket, message: bytes, ends: Sequence[socket.socket]) -> HandOver | None:
    """Return a hand-over that was answered as taken.

    Raises OSError where the answer finds no way, ValueError and KeyError for what is no hand-over.
    """
    if len(message) < HEAD.size:
        raise ValueError("too short for a message of a front")
    number, length, promised = HEAD.unpack_from(message)
    if promised > _ENDS or bool(promised) != bool(length):
        raise ValueError("no message of a front")
    whole = len(ends) == promised  # the system drops descriptors for which there is no room
    given = _read(message[HEAD.size :], length, ends) if whole and length else None
    for end in ends:
        end.setblocking(False)
    local_messages.send(peer, ANSWER.pack(number, whole), ())
    return given


def _close(ends: Sequence[socket.socket]) -> None:
    for end in ends:
        end.close()


def _read(message: bytes, length: int, ends: Sequence[socket.socket]) -> HandOver:
    note = json.loads(message[:length])
    answered = len(message) - int(note["answered"])
    return HandOver(
        Kind(note["kind"]),
        message[length:answered],
        device_from_json(note["device"]),
        note["host"],
        note["port"],
        tuple(ip_address(text) for text in note["addresses"]),
        bool(note["guarded"]),
        upstream=ends[1] if len(ends) > 1 else None,
        answered=message[answered:],
    )
