"""The front's end of the way to one inspector: sockets go out, and for each an answer comes back, or none ever will.

Nothing waits here, and nothing is tried again; what to do about an inspector that does not answer is decided elsewhere.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import json
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from proxy import local_messages
from proxy.hand_over import ANSWER, HEAD, MAX_MESSAGE, HandOver


@dataclass(frozen=True, slots=True)
class Answer:
    """Say what became of what was sent under a number: false where the inspector has no descriptor left for it."""

    number: int
    taken: bool


class Sender:
    """Send sockets to one inspector over one connection, which is made at once. Raises OSError when nobody is there."""

    def __init__(self, path: Path) -> None:
        self._numbers = itertools.count(1)
        self._socket = socket.socket(socket.AF_UNIX, local_messages.kind())
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * MAX_MESSAGE)
            self._socket.setblocking(False)
            self._socket.connect(str(path))
        except OSError:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """Return the descriptor that is readable when there are answers."""
        return self._socket.fileno()

    def send(self, given: HandOver, client: int) -> int:
        """Hand over the socket with this descriptor; return the number under which it will be answered.

        Raises BlockingIOError while the inspector's queue is full, another OSError when it has gone.
        """
        note = json.dumps(given.note()).encode()
        body = note + given.data + given.answered
        if HEAD.size + len(body) > MAX_MESSAGE:
            raise OSError(errno.EMSGSIZE, "more was read of a connection than can be handed over")
        return self._send(len(note), body, [client] if given.upstream is None else [client, given.upstream.fileno()])

    def ask(self) -> int:
        """Ask for an answer alone. Raises OSError like `send`."""
        return self._send(0, b"", ())

    def answers(self) -> tuple[list[Answer], bool]:
        """Return the answers that have come, and whether more may come."""
        found: list[Answer] = []
        lasts = True
        while True:
            try:
                message, _ = local_messages.receive(self._socket, ANSWER.size, 0)
            except BlockingIOError:
                return found, lasts
            except ConnectionError:  # told ahead of answers that were sent before
                lasts = False
                continue
            if len(message) != ANSWER.size:
                return found, False
            found.append(Answer(*ANSWER.unpack(message)))

    def end(self) -> list[Answer]:
        """Withdraw what was not answered, for good; return the last answers."""
        found, _ = self.answers()  # macOS drops what is unread at a shutdown
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # from here on no answer can be sent
        found += self.answers()[0]
        self._socket.close()
        return found

    def _send(self, length: int, body: bytes, descriptors: Sequence[int]) -> int:
        number = next(self._numbers)
        local_messages.send(self._socket, HEAD.pack(number, length, len(descriptors)) + body, descriptors)
        return number
