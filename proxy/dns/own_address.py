"""Datagrams of a socket that listens on every address: each reply leaves from the address that its packet came to.

The system would send it from the address that lies nearest to the client. Where this machine has several (nearly always
with IPv6), that is another one, and the client drops what it did not ask there (RFC 3542 section 6.2). One packet a
system call: who needs the quick way names the address to listen on. What a packet means is none of this file's concern.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

from proxy.dns.datagrams import BATCH, MAX_QUERY, Datagrams, Source, datagrams

_IP_PKTINFO = 8  # Linux; Python has no name for it before 3.14
_ROOM = 64  # octets; one control message
_NOWHERE = bytes(4)


def datagrams_of(sock: socket.socket) -> Datagrams:
    """Return the quickest way that gives replies the right address."""
    is_wide = ip_address(sock.getsockname()[0].partition("%")[0]).is_unspecified
    return WideDatagrams(sock) if is_wide and hasattr(socket, "SO_BINDTODEVICE") else datagrams(sock)


class WideDatagrams:
    """One packet a system call, with the address it came to (Linux)."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._peers: list[Any] = []
        if sock.family == socket.AF_INET:
            sock.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
        else:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)

    def receive(self) -> Sequence[tuple[bytes, Source]]:
        """Return what has come, `BATCH` packets at most."""
        found: list[tuple[bytes, Source]] = []
        self._peers.clear()
        while len(found) < BATCH:
            try:
                packet, control, _, peer = self._sock.recvmsg(MAX_QUERY, _ROOM)
            except OSError:  # empty, or an ICMP error that some earlier reply met
                break
            found.append((packet, peer[0]))
            self._peers.append((peer, [_without_way(*one) for one in control]))
        return found

    def send(self, replies: Sequence[tuple[int, bytes]]) -> None:
        """Send replies to packets of the last batch, by their place in it."""
        for place, reply in replies:
            self.send_one(reply, self._peers[place])

    def peer(self, place: int) -> Any:
        """Return whom to answer for a packet of the last batch, and from where."""
        return self._peers[place]

    def send_one(self, reply: bytes, peer: Any) -> None:
        """Send one reply, or drop it."""
        to, control = peer
        try:
            self._sock.sendmsg([reply], control, 0, to)
        except OSError:
            return


def _without_way(level: int, kind: int, data: bytes) -> tuple[int, int, bytes]:
    """Keep the address and leave the interface open: the way back may be another one."""
    is_v4 = level == socket.IPPROTO_IP
    return level, kind, _NOWHERE + data[4:] if is_v4 else data[:16] + _NOWHERE
