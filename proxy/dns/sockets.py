"""The UDP sockets through which one upstream is asked: a few at a time, one chosen by chance for each question.

A socket, and so a random source port, for each question costs more than all that is read from its answer. Here some
are kept, each connected (the kernel lets through only what comes from the address asked), and each for a short while:
a port is given up after so many questions or seconds. An answer counts for one question alone, by socket, id and name:
who guesses blindly must hit the port that it was asked from, as with a port of its own (RFC 5452, section 9.2). What is
in the packets is judged elsewhere.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from proxy.dns.chance import chance
from proxy.dns.endpoint import Endpoint
from proxy.dns.exchange import Asking

SOCKETS = 32  # a divisor of 256, so that chance favours none
USES = 128  # questions of one socket
LASTS = 20.0  # seconds after which a socket takes no more questions
MAX_STRAYS = 64  # packets that are no answer, before all that wait on a socket is asked by TCP instead
_MAX_UDP = 65_535

type Came = bytes | OSError | None
"""What became of a question: its answer, a foreign error, or nothing but strays, so that it is better asked by TCP."""


class Waiting:
    """Hold one question that is on its way."""

    __slots__ = ("asking", "done", "fits", "port")

    def __init__(
        self, asking: Asking, fits: Callable[[bytes], bool], done: Callable[[Came], None], port: _Port
    ) -> None:
        self.asking = asking
        self.fits = fits
        self.done = done
        self.port = port


class _Port:
    """Hold one socket and the questions asked from it, by id."""

    __slots__ = ("left", "sock", "strays", "until", "waiting")

    def __init__(self, sock: socket.socket, until: float) -> None:
        self.sock = sock
        self.until = until
        self.left = USES
        self.strays = 0
        self.waiting: dict[int, Waiting] = {}


class UpstreamSockets:
    """Ask one upstream by UDP. Made in any loop, used in one."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._ports: list[_Port | None] = [None] * SOCKETS
        self._leaving: set[_Port] = set()  # take no more questions; theirs are still answered
        self._buffer = bytearray(_MAX_UDP)
        self._view = memoryview(self._buffer)

    def ask(self, asking: Asking, fits: Callable[[bytes], bool], done: Callable[[Came], None]) -> Waiting:
        """Send a question; `done` is called once, later, unless it is given up. `fits` looks at an answer too.

        Raises OSError when it cannot be sent.
        """
        port = self._choose(asking.id)
        try:
            port.sock.send(asking.packet)
        except OSError as problem:  # what an earlier question of this socket met, such as a refusal
            self._fail(port, problem)
            port = self._choose(asking.id)
            port.sock.send(asking.packet)
        port.left -= 1
        waiting = port.waiting[asking.id] = Waiting(asking, fits, done, port)
        return waiting

    def give_up(self, waiting: Waiting) -> None:
        """Wait no longer: an answer that still comes is a stray."""
        port = waiting.port
        if port.waiting.get(waiting.asking.id) is waiting:
            del port.waiting[waiting.asking.id]
            self._leave_when_idle(port)

    def _choose(self, number: int) -> _Port:
        """Return a socket that takes one question more, and waits for none with this id. Raises OSError."""
        now = asyncio.get_running_loop().time()
        place = chance(1)[0] % SOCKETS
        port = self._ports[place]
        if port is not None and port.left > 0 and now < port.until and number not in port.waiting:
            return port
        if port is not None:
            self._retire(place, port)
        port = self._ports[place] = _Port(self._open(), now + LASTS)
        asyncio.get_running_loop().add_reader(port.sock.fileno(), self._readable, port)
        return port

    def _open(self) -> socket.socket:
        where, flags = self._endpoint, socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        found = socket.getaddrinfo(where.host, where.port, type=socket.SOCK_DGRAM, flags=flags)
        family, kind, number, _, address = found[0]
        sock = socket.socket(family, kind, number)
        try:
            sock.setblocking(False)
            sock.connect(address)
        except OSError:
            sock.close()
            raise
        return sock

    def _readable(self, port: _Port) -> None:
        try:
            size = port.sock.recv_into(self._buffer)
        except BlockingIOError:
            return
        except OSError as problem:
            self._fail(port, problem)
            return
        packet = bytes(self._view[:size])
        waiting = port.waiting.get(int.from_bytes(packet[:2]))
        if waiting is None or not (waiting.asking.belongs(packet) and waiting.fits(packet)):
            self._stray(port)
            return
        del port.waiting[waiting.asking.id]
        self._leave_when_idle(port)
        waiting.done(packet)

    def _stray(self, port: _Port) -> None:
        port.strays += 1
        if port.strays >= MAX_STRAYS:
            self._end(port, None)

    def _fail(self, port: _Port, problem: OSError) -> None:
        self._end(port, problem)

    def _end(self, port: _Port, came: Came) -> None:
        """Close a socket and tell all who wait on it why."""
        if port in self._ports:
            self._ports[self._ports.index(port)] = None
        self._leaving.discard(port)
        self._close(port)
        waiting, port.waiting = port.waiting, {}
        for one in waiting.values():
            one.done(came)

    def _retire(self, place: int, port: _Port) -> None:
        self._ports[place] = None
        self._leaving.add(port)
        self._leave_when_idle(port)

    def _leave_when_idle(self, port: _Port) -> None:
        if port in self._leaving and not port.waiting:
            self._leaving.discard(port)
            self._close(port)

    def _close(self, port: _Port) -> None:
        asyncio.get_running_loop().remove_reader(port.sock.fileno())
        port.sock.close()

    def retire(self) -> None:
        """Take no more questions; those that wait are still answered."""
        for place, port in enumerate(self._ports):
            if port is not None:
                self._retire(place, port)

    def close(self) -> None:
        """Close every socket; nobody is told."""
        for port in (*filter(None, self._ports), *self._leaving):
            port.waiting.clear()
            self._close(port)
        self._ports = [None] * SOCKETS
        self._leaving.clear()
