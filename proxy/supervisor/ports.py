"""The gateway's port numbers: decided before any child starts, and kept over a child's restart.

Each port is held by a socket that is bound and never listens. On Linux a child may bind and listen beside it (both set
SO_REUSEADDR), while the kernel gives the number to nobody who asks for a free one; elsewhere the socket only finds the
number and is closed again. UDP has no such way, so a DNS number is tried on UDP when it is chosen.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import sys
from dataclasses import dataclass

import psutil

from proxy.config.model import Config
from proxy.front.transparent import hosts
from proxy.pages.entries import page_hosts

_TRIES = 20  # free numbers to try until one is free on UDP too


class PortError(OSError):
    """Say which port cannot be had, who has it, and which key to change."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Describe one address to listen on. `key` is that of config.yaml, `name` that of endpoints.json."""

    name: str
    key: str
    host: str
    port: int
    udp: bool = False


def listeners(config: Config) -> list[Listener]:
    """Return what this configuration listens on."""
    proxy, dns, collector = config.proxy, config.dns, config.collector
    found = [
        Listener("http_proxy", "proxy.port", str(proxy.host), proxy.port),
        Listener("socks", "proxy.socks_port", str(proxy.host), proxy.socks_port),
        Listener("dns", "dns.port", str(dns.host), dns.port, udp=True),
    ]
    for name, port in (("tls", dns.tls_port), ("https", dns.https_port)):
        if port is not None:
            found.append(Listener(f"dns_{name}", f"dns.{name}_port", str(dns.host), port))
    if proxy.transparent_port is not None:
        found.append(Listener("transparent", "proxy.transparent_port", hosts(proxy.host)[4], proxy.transparent_port))
    if proxy.tproxy_port is not None:
        found.append(Listener("tproxy", "proxy.tproxy_port", hosts(proxy.host)[4], proxy.tproxy_port))
    for host in page_hosts(config)[:1]:
        found.append(Listener("page_http", "pages.http_port", host, config.pages.http_port))
        found.append(Listener("page_https", "pages.https_port", host, config.pages.https_port))
    if config.metrics.port is not None:
        found.append(Listener("metrics", "metrics.port", str(config.metrics.host), config.metrics.port))
    if config.wireguard.by_kernel:
        found.append(Listener("wireguard", "wireguard.port", "0.0.0.0", config.wireguard.port, udp=True))
    if collector.url == "embedded":
        found.append(Listener("collector", "collector.port", str(collector.host), collector.port))
    return found


class Ports:
    """Hold a number for each listener. Raises PortError when one cannot be had."""

    def __init__(self, config: Config) -> None:
        self.numbers: dict[str, int] = {}
        self._held: list[socket.socket] = []
        try:
            for listener in listeners(config):
                self.numbers[listener.name] = self._hold(listener)
        except PortError:
            self.release()
            raise

    def filled_in(self, config: Config) -> Config:
        """Return the configuration with the numbers really taken."""
        number = self.numbers
        proxy = {"port": number["http_proxy"], "socks_port": number["socks"]}
        proxy |= {f"{name}_port": number[name] for name in ("transparent", "tproxy") if name in number}
        pages = {key: number[f"page_{key[:-5]}"] for key in ("http_port", "https_port") if "page_http" in number}
        collector = {"port": number["collector"]} if "collector" in number else {}
        tunnel = {"port": number["wireguard"]} if "wireguard" in number else {}
        return config.model_copy(
            update={
                "proxy": config.proxy.model_copy(update=proxy),
                "pages": config.pages.model_copy(update=pages),
                "dns": config.dns.model_copy(update=_dns_ports(number)),
                "wireguard": config.wireguard.model_copy(update=tunnel),
                "collector": config.collector.model_copy(update=collector),
            }
        )

    def release(self) -> None:
        """Let go of the numbers."""
        for held in self._held:
            held.close()

    def _hold(self, listener: Listener) -> int:
        for _ in range(_TRIES if listener.udp and not listener.port else 1):
            held = self._bound(listener, socket.SOCK_STREAM, listener.port)
            number: int = held.getsockname()[1]
            try:
                if listener.udp:
                    self._bound(listener, socket.SOCK_DGRAM, number).close()
            except PortError:
                held.close()
                if listener.port:
                    raise
                continue
            if sys.platform == "linux":
                self._held.append(held)
            else:
                held.close()
            return number
        raise PortError(f"no port is free on both UDP and TCP at {listener.host}; set `{listener.key}`")

    def _bound(self, listener: Listener, kind: socket.SocketKind, port: int) -> socket.socket:
        family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
        made = socket.socket(family, kind)
        try:
            if kind is socket.SOCK_STREAM:
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            made.bind((listener.host, port))
        except OSError as error:
            made.close()
            raise PortError(_why(listener, port, error)) from None
        return made


def _dns_ports(number: dict[str, int]) -> dict[str, int]:
    keys = {"dns": "port", "dns_tls": "tls_port", "dns_https": "https_port"}
    return {key: number[name] for name, key in keys.items() if name in number}


def _why(listener: Listener, port: int, error: OSError) -> str:
    where = f"port {port} at {listener.host}"
    if error.errno == errno.EADDRINUSE:
        return f"{where} is in use{holder_of(port)}; set another `{listener.key}` in config.yaml, or stop what uses it"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{where} needs privileges that this user has not; set a `{listener.key}` of 1024 or more"
    return f"{where} cannot be used ({error.strerror}); see `{listener.key}` and its host in config.yaml"


def holder_of(port: int) -> str:
    """Return ` by NAME (process PID)` for who listens on a port, or nothing where that cannot be known."""
    with contextlib.suppress(psutil.Error, OSError):
        for each in psutil.net_connections("inet"):
            ours = each.laddr and each.laddr.port == port and (each.status == psutil.CONN_LISTEN or not each.raddr)
            if ours and each.pid:
                return f" by {psutil.Process(each.pid).name()} (process {each.pid})"
    return ""
