"""Run DNS over TLS and over HTTPS in their process: build the parts, bind the listeners, serve until told to stop.

The composition of the room; what is answered is decided in the resolver's process.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from proxy.devices import DeviceDirectory
from proxy.dns.clients import Client
from proxy.dns.lookup import LookupClient
from proxy.dns.rate import RateLimit
from proxy.dns.service import spell
from proxy.dns.tcp import TcpListener
from proxy.dns.tls.accepting import Acceptor, Places
from proxy.dns.tls.answering import WITHIN, Answering
from proxy.dns.tls.contexts import Certificate, ServerNames
from proxy.dns.tls.http_server import HttpServer
from proxy.dns.tls.https import HttpsApplication
from proxy.dns.tls.identity import Visitors

if TYPE_CHECKING:
    from proxy.worker import WorkerContext

_LOOK_EVERY = 10.0  # seconds between looks at the certificate's file
_IDLE = 30.0  # seconds without a query, after which a connection ends: a handshake costs more than a socket
_BACKLOG = 512
_SEEN_EVERY = 60.0  # seconds


async def serve(context: WorkerContext) -> None:
    """Serve until `context.stopping` is set.

    Raises ValueError for a certificate that cannot be used, OSError naming the address that cannot be bound.
    """
    parts = _Parts(context)
    bound: dict[str, str] = {}
    async with AsyncExitStack() as stack:
        stack.push_async_callback(parts.resolver.close)
        if parts.settings.tls_port is not None:
            bound["dns_tls"] = await _start_tls(parts, stack)
        if parts.settings.https_port is not None:
            bound["dns_https"] = await _start_https(parts, stack)
        await context.ready(bound)
        while not context.stopping.is_set():
            try:
                async with asyncio.timeout(_LOOK_EVERY):
                    await context.stopping.wait()
            except TimeoutError:
                parts.certificate.refresh()


class _Parts:
    """Make what both listeners share."""

    def __init__(self, context: WorkerContext) -> None:
        self.settings = settings = context.config.config.dns
        self.stopping = context.stopping
        self.clock = asyncio.get_running_loop().time
        tls = settings.tls
        own = context.state.dns_certificate
        self.certificate = Certificate(tls.cert or own, tls.key or tls.cert or own)
        devices = DeviceDirectory.of(context.state, context.secrets, context.policy.rules)
        self.visitors = Visitors(devices, settings.allow_clients, tls.name)
        self.resolver = LookupClient(context.state.resolver_socket, WITHIN)
        self.answering = Answering(self.resolver)
        self.limit = RateLimit(settings.rate_limit) if settings.rate_limit else None
        self.seen = context.reporter.device_seen

    def places(self) -> Places:
        """Return how many connections one listener serves."""
        return Places(self.settings.tls.connections, self.settings.tls.connections_each)

    def takes(self, client: Client) -> bool:
        """Count a question that came over HTTPS, and tell that its device is alive."""
        now = self.clock()
        if now >= client.seen_again:
            client.seen_again = now + _SEEN_EVERY
            self.seen(client.device)
        return self.limit is None or self.limit.takes(client, now)

    def identify(self, token: str, address: str) -> Client | None:
        """Return who asks over HTTPS."""
        return self.visitors.by_token(token, address, "doh") if token else self.visitors.by_address(address)


async def _start_tls(parts: _Parts, stack: AsyncExitStack) -> str:
    context = parts.certificate.context(["dot"])
    names = ServerNames(context, parts.visitors.refuses)

    def who(writer: asyncio.StreamWriter) -> Client | None:
        peer = writer.get_extra_info("peername")
        connection: ssl.SSLObject | None = writer.get_extra_info("ssl_object")
        return parts.visitors.by_server_name(names.of(connection), peer[0]) if peer else None

    at_most = parts.settings.tls.connections
    listener = TcpListener(
        parts.answering.answer, who, parts.seen, parts.clock, parts.limit, _IDLE, at_most=at_most, of_one=at_most
    )  # the acceptor has counted each client's
    sock = listen(str(parts.settings.host), parts.settings.tls_port or 0, "dns.tls_port")
    bound = spell(sock.getsockname()[:2])
    acceptor = Acceptor(sock, context, parts.places(), listener.handle)
    stack.push_async_callback(acceptor.close)
    stack.push_async_callback(listener.close)
    return bound


async def _start_https(parts: _Parts, stack: AsyncExitStack) -> str:
    sock = listen(str(parts.settings.host), parts.settings.https_port or 0, "dns.https_port")
    bound = spell(sock.getsockname()[:2])
    server = HttpServer(HttpsApplication(parts.identify, parts.answering.reply_to, parts.takes), _IDLE)
    acceptor = Acceptor(sock, parts.certificate.context(["h2", "http/1.1"]), parts.places(), server.handle)
    stack.push_async_callback(acceptor.close)
    stack.push_async_callback(server.stop)
    return bound


def listen(host: str, port: int, key: str) -> socket.socket:
    """Return a listening socket. Raises OSError naming the key."""
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.bind((host, port))
        sock.listen(_BACKLOG)
    except OSError as problem:
        sock.close()
        raise OSError(problem.errno, f"{key}: cannot bind {spell((host, port))}: {problem.strerror}") from None
    sock.setblocking(False)
    return sock
