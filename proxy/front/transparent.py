"""Redirected TCP on Linux: sockets that take it, and where each connection was going before it was redirected.

REDIRECT (nftables NAT) keeps the destination in the kernel's connection tracking; TPROXY leaves it as the socket's own
address. Nothing is judged or answered here, and a connection that was not redirected has no destination.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from indicators.observation import Address
from proxy.config.sections.proxy import ProxyConfig

INHERITED = "SEAWALL_TRANSPARENT_FDS"
"""Environment variable with `4:FD,6:FD`: sockets with IP_TRANSPARENT, made before the gateway left root."""
_SO_ORIGINAL_DST = 80  # linux/netfilter_ipv4.h; IP6T_SO_ORIGINAL_DST is the same number
_IP_TRANSPARENT = {socket.AF_INET: (socket.SOL_IP, 19), socket.AF_INET6: (socket.IPPROTO_IPV6, 75)}
_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
_LOOPBACK = {4: "127.0.0.1", 6: "::1"}
_EVERYWHERE = {4: "0.0.0.0", 6: "::"}  # the address that an interface has is not known here


@dataclass(frozen=True, slots=True)
class Doorstep:
    """Hold a bound socket by its name in endpoints.json, and how to ask where a connection was going."""

    name: str
    sock: socket.socket
    destination_of: Callable[[socket.socket], tuple[str, int]]


def doorsteps(config: ProxyConfig) -> list[Doorstep]:
    """Bind what the configuration asks for. Raises OSError naming the key, with nothing left open."""
    made: list[Doorstep] = []
    try:
        made.extend(_bound(config))
    except OSError:
        for each in made:
            each.sock.close()
        raise
    return made


def _bound(config: ProxyConfig) -> Iterator[Doorstep]:
    asked = (
        ("transparent", config.transparent_port, redirected_from),
        ("tproxy", config.tproxy_port, arrived_at),
    )
    for name, port, destination_of in asked:
        for version, host in hosts(config.host).items() if port is not None else ():
            try:
                sock = bind(version, host, port or 0, transparent=name == "tproxy")
            except OSError as problem:
                raise OSError(problem.errno, f"proxy.{name}_port: cannot bind {host}:{port}: {_why(problem)}") from None
            yield Doorstep(name if version == 4 else f"{name}_v6", sock, destination_of)


def hosts(host: Address) -> dict[int, str]:
    """Return where redirected traffic of each IP version is taken.

    Traffic of this machine arrives at loopback; that of others at any address of the interface it came in by, so that
    beyond loopback every address is listened on, and the firewall says who comes.
    """
    found = dict(_LOOPBACK if host.is_loopback else _EVERYWHERE)
    if not _has_ipv6():
        del found[6]
    return found


def bind(version: int, host: str, port: int, *, transparent: bool = False) -> socket.socket:
    """Return a socket bound for listening. `transparent` needs CAP_NET_ADMIN, or a socket inherited from who had it."""
    family = _FAMILIES[version]
    sock = _inherited(version) if transparent else None
    if sock is None:
        sock = transparent_socket(family) if transparent else socket.socket(family, socket.SOCK_STREAM)
    try:
        if sock.getsockname()[1] == 0:  # an inherited one was bound by the process before this one
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if version == 6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind((host, port))
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def transparent_socket(family: socket.AddressFamily) -> socket.socket:
    """Return an unbound socket that may answer for addresses not ours. Raises PermissionError without CAP_NET_ADMIN."""
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(*_IP_TRANSPARENT[family], 1)
    except OSError:
        sock.close()
        raise
    return sock


def redirected_from(sock: socket.socket) -> tuple[str, int]:
    """Return where a connection was going before REDIRECT. Raises OSError when it was not redirected."""
    if sock.family == socket.AF_INET:
        raw = sock.getsockopt(socket.SOL_IP, _SO_ORIGINAL_DST, 16)
        port, packed = struct.unpack_from("!2xH4s", raw)
        found = (socket.inet_ntop(socket.AF_INET, packed), port)
    else:
        raw = sock.getsockopt(socket.IPPROTO_IPV6, _SO_ORIGINAL_DST, 28)
        port, packed = struct.unpack_from("!2xH4x16s", raw)
        found = (socket.inet_ntop(socket.AF_INET6, packed), port)
    if found == sock.getsockname()[:2]:
        raise OSError(errno.EADDRNOTAVAIL, "the connection came straight to us and was not redirected")
    return found


def arrived_at(sock: socket.socket) -> tuple[str, int]:
    """Return where a connection that came by TPROXY is going: the address that it was accepted at.

    One that came straight to our port has our own address, which is refused as a destination like any port of ours.
    """
    host, port, *_ = sock.getsockname()
    return str(host), int(port)


def inherited() -> tuple[int, ...]:
    """Return the descriptors of sockets that were made before the gateway left root, for its processes to have."""
    return tuple(_inherited_by_version().values())


def _inherited(version: int) -> socket.socket | None:
    number = _inherited_by_version().get(version)
    return None if number is None else socket.socket(fileno=os.dup(number))


def _inherited_by_version() -> dict[int, int]:
    entries = (entry.partition(":") for entry in os.environ.get(INHERITED, "").split(","))
    return {int(version): int(number) for version, _, number in entries if version.isdecimal() and number.isdecimal()}


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def _why(problem: OSError) -> str:
    if problem.errno in (errno.EPERM, errno.EACCES):
        return "TPROXY needs CAP_NET_ADMIN; start the gateway as root with `user:` set, or use REDIRECT"
    return problem.strerror or str(problem)
