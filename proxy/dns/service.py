"""Run the resolver in its process: build the parts, bind the listeners, serve until told to stop.

The composition of the room: every part is made here and nowhere else. What is answered is decided in `resolver.py`.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING

from indicators.inspection import InspectLists
from proxy.devices import DeviceDirectory
from proxy.dns.cache import AnswerCache
from proxy.dns.clients import Client, Clients, own_addresses
from proxy.dns.encrypted_dns import refuse_other_resolvers
from proxy.dns.endpoint import Endpoint, parse_endpoint
from proxy.dns.forwarder import Forwarder
from proxy.dns.inside import InsideListener
from proxy.dns.judge import Judge
from proxy.dns.look_up import LookUp
from proxy.dns.own_names import StaticHosts
from proxy.dns.rate import RateLimit
from proxy.dns.ready import ReadyAnswers
from proxy.dns.rebinding import RebindingGuard
from proxy.dns.reports import Sightings
from proxy.dns.resolver import Change, Resolver, Step
from proxy.dns.responder import Responder
from proxy.dns.routes import Routes
from proxy.dns.system_resolvers import SystemResolvers
from proxy.dns.tcp import TcpListener
from proxy.dns.udp import UdpListener
from proxy.dns.visible import KeepVisible

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

    from indicators.observation import Device
    from proxy.config.model import DnsConfig
    from proxy.worker import WorkerContext

_TRIES = 20  # ports tried until UDP and TCP get the same free one
_TIDY_EVERY = 30.0  # seconds
_RECEIVE_BUFFER = 1 << 20  # octets
_BACKLOG = 512


async def serve(context: WorkerContext) -> None:
    """Serve names until `context.stopping` is set.

    Raises ValueError naming the key of `dns` that cannot be used, OSError naming the address that cannot be bound.
    """
    settings = context.config.config.dns
    clock = asyncio.get_running_loop().time
    sightings = Sightings(context.reporter, asyncio.get_running_loop().call_later)
    async with AsyncExitStack() as stack:
        stack.callback(sightings.close)
        udp, tcp = bind(str(settings.host), settings.port)
        bound: tuple[str, int] = udp.getsockname()[:2]
        cache = AnswerCache()
        routes = _routes(settings, bound, cache, clock)
        stack.push_async_callback(routes.close)
        judge = Judge(context.policy, sightings, settings.blocked_answer)
        steps, changes = _guards(context, routes)
        resolver = Resolver(judge, StaticHosts(settings.hosts), cache, routes, steps, changes)
        ready = ReadyAnswers()
        responder = Responder(resolver, ready, clock)
        clients = Clients(DeviceDirectory(context.secrets.installation_id), settings.allow_clients, str(settings.host))
        seen = context.reporter.device_seen
        inside = InsideListener(responder, LookUp(resolver, judge, clock), clock, _inside_clients(settings.host))
        await inside.start(context.state.resolver_socket)
        stack.push_async_callback(inside.close)
        limit = RateLimit(settings.rate_limit) if settings.rate_limit else None
        streams = TcpListener(responder, clients, seen, clock, limit)
        server = await asyncio.start_server(streams.handle, sock=tcp, backlog=_BACKLOG)
        stack.push_async_callback(streams.close)
        stack.callback(server.close)
        listener = UdpListener(udp, responder, clients, ready, context.policy, seen, limit=limit)
        stack.push_async_callback(listener.close)
        await context.ready({"dns": spell(bound)})
        await _until_stopped(context.stopping, sightings, clock)


async def _until_stopped(stopping: asyncio.Event, sightings: Sightings, clock: Callable[[], float]) -> None:
    while not stopping.is_set():
        try:
            async with asyncio.timeout(_TIDY_EVERY):
                await stopping.wait()
        except TimeoutError:
            sightings.forget_old(clock())


def _routes(settings: DnsConfig, bound: tuple[str, int], cache: AnswerCache, clock: Callable[[], float]) -> Routes:
    def forwarder(listed: Sequence[str]) -> Forwarder:
        return Forwarder(upstreams(listed, bound, clock), cache, clock, settings.strategy)

    by_suffix = {name: forwarder([to] if isinstance(to, str) else to) for name, to in settings.routes.items()}
    return Routes(forwarder(settings.upstreams), by_suffix)


def _guards(context: WorkerContext, routes: Routes) -> tuple[list[Step], list[Change]]:
    """Return what the settings ask for beside judging, in the order in which it is to be done."""
    config = context.config.config
    settings = config.dns
    lists = InspectLists.of(config.inspect, config.never_inspect)
    steps: list[Step] = [refuse_other_resolvers] if settings.encrypted_dns == "block" else []
    if settings.local_reverse:
        steps.append(routes.keep_reverse_local)
    changes: list[Change] = [KeepVisible(context.policy, settings.strip_ech_h3, lists).change]
    if settings.private_answers == "block":
        changes.insert(0, RebindingGuard(settings.private_names, routes.covers).change)
    return steps, changes


def _inside_clients(host: IPv4Address | IPv6Address) -> Callable[[Device], Client]:
    """Give the client behind a device; remembered, so that a question costs no look at the network's interfaces."""

    @lru_cache(maxsize=4096)
    def client(device: Device) -> Client:
        try:
            source = ip_address(device.address)
        except ValueError:
            source = ip_address("127.0.0.1")
        return Client(device, page=own_addresses(host, source))

    return client


def upstreams(
    written: Sequence[str], bound: tuple[str, int], clock: Callable[[], float]
) -> Callable[[], list[Endpoint]]:
    """Return a function that gives the upstreams of the moment. Raises ValueError for one that cannot be used."""
    system = SystemResolvers([bound], clock)
    listed = [None if text == "system" else usable(text) for text in written]

    def now() -> list[Endpoint]:
        found = [system.endpoints() if one is None else (one,) for one in listed]
        return list(dict.fromkeys(endpoint for some in found for endpoint in some))

    return now


def usable(text: str) -> Endpoint:
    """Read an upstream that can be asked. Raises ValueError."""
    endpoint = parse_endpoint(text)
    if endpoint.scheme == "https":
        raise ValueError(f"dns.upstreams: {text}: only udp://, tcp:// and tls:// can be asked")
    return endpoint


def bind(host: str, port: int) -> tuple[socket.socket, socket.socket]:
    """Bind UDP and TCP to one port; port 0 takes one that is free for both. Raises OSError naming the address."""
    for _ in range(_TRIES if port == 0 else 1):
        udp = _socket(host, port, socket.SOCK_DGRAM)
        try:
            return udp, _socket(host, udp.getsockname()[1], socket.SOCK_STREAM)
        except OSError:
            udp.close()
            if port:
                raise
    raise OSError(f"no port of {host} is free for both UDP and TCP")


def _socket(host: str, port: int, kind: socket.SocketKind) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind)
    try:
        if kind == socket.SOCK_STREAM:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        else:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        sock.bind((host, port))
    except OSError as problem:
        sock.close()
        what = "UDP" if kind == socket.SOCK_DGRAM else "TCP"
        raise OSError(problem.errno, f"dns: cannot bind {what} {spell((host, port))}: {problem.strerror}") from None
    return sock


def spell(bound: tuple[str, int]) -> str:
    """Write an address and port as `endpoints.json` has them."""
    host, port = bound
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
