"""Datagrams of one socket, many a system call where the system can: what is read and sent, never what it means.

Linux takes up to 64 packets and gives as many with one call each (`recvmmsg`, `sendmmsg`), through buffers that are
made once. Python has no name for these, so they are called by ctypes; elsewhere, packets come and go one by one.
A packet that cannot be sent is dropped: its client is gone or its way is full, and it asks again.
"""

from __future__ import annotations

import ctypes
import mmap
import socket
import sys
from collections.abc import Sequence
from typing import Any, Protocol

BATCH = 64  # packets in one go, so that other work gets its turn
MAX_QUERY = 4096  # octets; a longer datagram is cut, and then is no query
_MAX_REPLY = 2048  # octets sent in a batch; a longer reply is sent on its own
_ADDRESS = 28  # octets of a socket's address, the longest that there is here
_HEADER = 64  # octets of `struct mmsghdr` where pointers have 64 bits
_WAIT_NOT = socket.MSG_DONTWAIT if hasattr(socket, "MSG_DONTWAIT") else 0

type Source = str | bytes
"""A client's address as text or packed, without its port: what is quicker to have. Equal for equal addresses."""


class Datagrams(Protocol):
    """Read and send the datagrams of one socket, which does not block."""

    def receive(self) -> Sequence[tuple[bytes, Source]]:
        """Return what has come, `BATCH` packets at most."""
        ...

    def send(self, replies: Sequence[tuple[int, bytes]]) -> None:
        """Send replies to packets of the last batch, by their place in it."""
        ...

    def peer(self, place: int) -> Any:
        """Return whom to answer for a packet of the last batch, as `send_one` takes it."""
        ...

    def send_one(self, reply: bytes, peer: Any) -> None:
        """Send one reply, however long ago its packet came, or drop it."""
        ...


def datagrams(sock: socket.socket) -> Datagrams:
    """Return the quickest way that this system has."""
    if sys.platform == "linux" and ctypes.sizeof(_Message) == _HEADER:
        return BatchedDatagrams(sock)
    return SingleDatagrams(sock)


class SingleDatagrams:
    """One packet a system call."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._peers: list[Any] = []

    def receive(self) -> Sequence[tuple[bytes, Source]]:
        """Return what has come, `BATCH` packets at most."""
        found: list[tuple[bytes, Source]] = []
        self._peers.clear()
        while len(found) < BATCH:
            try:
                packet, peer = self._sock.recvfrom(MAX_QUERY)
            except OSError:  # empty, or an ICMP error that some earlier reply met
                break
            found.append((packet, peer[0]))
            self._peers.append(peer)
        return found

    def send(self, replies: Sequence[tuple[int, bytes]]) -> None:
        """Send replies to packets of the last batch, by their place in it."""
        for place, reply in replies:
            self.send_one(reply, self._peers[place])

    def peer(self, place: int) -> Any:
        """Return whom to answer for a packet of the last batch."""
        return self._peers[place]

    def send_one(self, reply: bytes, peer: Any) -> None:
        """Send one reply, or drop it."""
        try:
            self._sock.sendto(reply, peer)
        except OSError:
            return


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Message(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("vectors", ctypes.c_void_p),
        ("vector_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
        ("padding", ctypes.c_int),
        ("length", ctypes.c_uint),
    )


class _Lane:
    """Hold one direction's buffers and the headers that point at them. `names` is where addresses stand."""

    def __init__(self, size: int, names: int) -> None:
        self.size = size
        self.data = mmap.mmap(-1, BATCH * size)
        self._vectors = (_Vector * BATCH)()
        self._headers = (_Message * BATCH)()
        start = ctypes.addressof(ctypes.c_char.from_buffer(self.data))
        for place in range(BATCH):
            self._vectors[place] = _Vector(start + place * size, size)
            vector = ctypes.addressof(self._vectors) + place * ctypes.sizeof(_Vector)
            self._headers[place] = _Message(names + place * _ADDRESS, _ADDRESS, vector, 1)
        self.at = ctypes.addressof(self._headers)
        self.lengths = memoryview(self._headers).cast("B").cast("I")[_HEADER // 4 - 2 :: _HEADER // 4]
        self.names = memoryview(self._headers).cast("B").cast("Q")[:: _HEADER // 8]
        self.sizes = memoryview(self._vectors).cast("B").cast("Q")[1::2]


class BatchedDatagrams:
    """Up to `BATCH` packets a system call."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._handle = sock.fileno()
        self._addresses = mmap.mmap(-1, BATCH * _ADDRESS)
        self._names = ctypes.addressof(ctypes.c_char.from_buffer(self._addresses))
        self._in, self._out = _Lane(MAX_QUERY, self._names), _Lane(_MAX_REPLY, self._names)
        library = ctypes.CDLL(None)
        self._recvmmsg, self._sendmmsg = library.recvmmsg, library.sendmmsg
        self._recvmmsg.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p)
        self._sendmmsg.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int)
        packet = (ctypes.c_char_p, ctypes.c_size_t)
        self._sendto = library.sendto
        self._sendto.argtypes = (ctypes.c_int, *packet, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint32)
        # Where in a socket's address the client's address stands, and its size: sockaddr_in, sockaddr_in6.
        is_v4 = sock.family == socket.AF_INET
        self._first, self._last = (4, 8) if is_v4 else (8, 24)
        self._address_size = 16 if is_v4 else _ADDRESS

    def receive(self) -> Sequence[tuple[bytes, Source]]:
        """Return what has come, `BATCH` packets at most."""
        count = self._recvmmsg(self._handle, self._in.at, BATCH, _WAIT_NOT, None)
        data, lengths, addresses = self._in.data, self._in.lengths, self._addresses
        first, last = self._first, self._last
        return [
            (
                data[place * MAX_QUERY : place * MAX_QUERY + lengths[place]],
                addresses[place * _ADDRESS + first : place * _ADDRESS + last],
            )
            for place in range(count)
        ]

    def send(self, replies: Sequence[tuple[int, bytes]]) -> None:
        """Send replies to packets of the last batch, by their place in it."""
        out = self._out
        data, sizes, names, count = out.data, out.sizes, out.names, 0
        for place, reply in replies:
            size = len(reply)
            if size > _MAX_REPLY:
                self.send_one(reply, self.peer(place))
                continue
            start = count * _MAX_REPLY
            data[start : start + size] = reply
            sizes[count] = size
            names[count] = self._names + place * _ADDRESS
            count += 1
        done = 0
        while done < count:
            sent = self._sendmmsg(self._handle, out.at + done * _HEADER, count - done, _WAIT_NOT)
            done += sent if sent > 0 else 1

    def peer(self, place: int) -> Any:
        """Return whom to answer for a packet of the last batch: its address as the system has it."""
        return self._addresses[place * _ADDRESS : (place + 1) * _ADDRESS]

    def send_one(self, reply: bytes, peer: Any) -> None:
        """Send one reply, or drop it."""
        self._sendto(self._handle, reply, len(reply), _WAIT_NOT, peer, self._address_size)
