"""Sockets at the gateway's addresses inside the tunnel, bound before those addresses are there (Linux, IP_FREEBIND)."""

from __future__ import annotations

import socket

_FREEBIND = {socket.AF_INET: (socket.SOL_IP, 15), socket.AF_INET6: (socket.IPPROTO_IPV6, 78)}  # linux/in.h, in6.h


def freely_bound(host: str, port: int, kind: socket.SocketKind, *, shared: bool = False) -> socket.socket:
    """Return a socket bound to an address that may come later. Raises OSError naming the key."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, kind)
    try:
        made.setsockopt(*_FREEBIND[family], 1)
        if kind is socket.SOCK_STREAM:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind((host, port))
    except OSError as problem:
        made.close()
        raise OSError(
            problem.errno, f"wireguard.inner_port: cannot bind {host} port {port}: {problem.strerror}"
        ) from None
    made.setblocking(False)
    return made
