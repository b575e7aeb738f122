"""Run the resolver in its process: build the parts, bind the listeners, serve until told to stop.

The composition of the room: every part is made here and nowhere else. What is answered is decided in `resolver.py`.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING

from indicators.inspection import InspectLists
from proxy.devices import DeviceDirectory
from proxy.devices.seats import Seats
from proxy.dns.alike import AlikeAnswers
from proxy.dns.allowed import AllowedNames
from proxy.dns.bootstrap import Bootstrap
from proxy.dns.cache import AnswerCache
from proxy.dns.clients import Client, Clients, own_addresses
from proxy.dns.encrypted_dns import OtherResolvers
from proxy.dns.endpoint import Endpoint, parse_endpoint
from proxy.dns.forwarder import Forwarder
from proxy.dns.given import GivenNames
from proxy.dns.inside import InsideListener
from proxy.dns.judge import Judge
from proxy.dns.look_up import LookUp
from proxy.dns.lookup import LookupClient
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
from proxy.dns.told_names import ToldNames
from proxy.dns.tunnel import TunnelClients, inner_sockets
from proxy.dns.udp import UdpListener
from proxy.dns.visible import KeepVisible
from proxy.dns.watching import Watching
from proxy.garbage import collect_gently
from proxy.inspect_lists import with_groups
from proxy.radar.watch import Watch
from proxy.roles import is_further

if TYPE_CHECKING:
    from indicators.observation import Device
    from proxy.config.model import Config
    from proxy.config.sections.dns import DnsConfig
    from proxy.worker import WorkerContext

_TRIES = 20  # ports tried until UDP and TCP get the same free one
_RECEIVE_BUFFER = 1 << 20  # octets
_BACKLOG = 512
_BOOTSTRAP_BYTES = 1 << 16  # octets of answers on upstreams' own names


async def serve(context: WorkerContext) -> None:
    """Serve names until `context.stopping` is set.

    Raises ValueError naming the key of `dns` that cannot be used, OSError naming the address that cannot be bound.
    """
    settings = context.config.config.dns
    clock = asyncio.get_running_loop().time
    sightings = Sightings(context.reporter, asyncio.get_running_loop().call_later, day_left(context.clock))
    async with AsyncExitStack() as stack:
        stack.callback(sightings.close)
        udp, tcp = bind(str(settings.host), settings.port, shared=settings.processes > 1)
        bound: tuple[str, int] = udp.getsockname()[:2]
        cache = AnswerCache()
        static = StaticHosts(settings.hosts)
        finder = Forwarder(upstreams(settings.bootstrap, bound, clock), AnswerCache(_BOOTSTRAP_BYTES), clock)
        stack.push_async_callback(finder.close)
        bootstrap = Bootstrap(finder.ask, clock, static.addresses)
        routes = _routes(settings, bound, cache, clock, bootstrap)
        stack.push_async_callback(routes.close)
        judge = Judge(context.policy, sightings, settings.blocked_answer)
        watching = await _watching(context, stack)
        steps, changes = _guards(context, routes)
        given = await _given(context, stack)
        resolver = Resolver(judge, static, cache, routes, [watching.step, *steps], changes, given=given)
        ready = ReadyAnswers()
        alike = AlikeAnswers(context.policy, sightings, context.reporter, ready)
        responder = Responder(resolver, ready, clock, alike.learn)
        devices = DeviceDirectory.of(context.state, context.secrets, context.policy.rules)
        clients = Clients(devices, settings.allow_clients, str(settings.host), settings.page_address)
        look_up = LookUp(resolver, judge, clock)
        inside = InsideListener(responder, look_up, clock, _inside_clients(context.config.config), given)
        if not isinstance(given, ToldNames):  # else another process is asked from inside
            await inside.start(context.state.resolver_socket)
            stack.push_async_callback(inside.close)
        limit = RateLimit(settings.rate_limit) if settings.rate_limit else None
        streams = TcpListener(responder.answer, clients.of_stream, watching.seen, clock, limit)
        server = await asyncio.start_server(streams.handle, sock=tcp, backlog=_BACKLOG)
        stack.push_async_callback(streams.close)
        stack.callback(server.close)
        listener = UdpListener(udp, responder, clients, ready, context.policy, watching.seen, limit=limit, alike=alike)
        stack.push_async_callback(listener.close)
        for inner_udp, inner_tcp in inner_sockets(context.config.config):
            peers = TunnelClients(devices, context.config.config.wireguard)
            inner = TcpListener(responder.answer, peers.of_stream, watching.seen, clock, limit)
            inner_server = await asyncio.start_server(inner.handle, sock=inner_tcp, backlog=_BACKLOG)
            stack.push_async_callback(inner.close)
            stack.callback(inner_server.close)
            heard = UdpListener(
                inner_udp, responder, peers, ready, context.policy, watching.seen, limit=limit, alike=alike
            )
            stack.push_async_callback(heard.close)
        collecting = asyncio.create_task(collect_gently())
        stack.push_async_callback(asyncio.wait, {collecting})
        stack.callback(collecting.cancel)
        await context.ready({"dns": spell(bound)})
        await context.stopping.wait()


async def _watching(context: WorkerContext, stack: AsyncExitStack) -> Watching:
    """Return what counts signs, and keeps its file current until the stack is closed."""
    watch = Watch(context.state.radar, context.role, context.clock)
    running = asyncio.create_task(watch.run())
    stack.push_async_callback(asyncio.wait, {running})
    stack.callback(running.cancel)
    return Watching(watch, context.reporter.device_seen)


async def _given(context: WorkerContext, stack: AsyncExitStack) -> GivenNames:
    """Return where the names given to clients are noted; a further resolver tells them to the first."""
    clock = asyncio.get_running_loop().time
    if not is_further(context.role):
        return GivenNames(clock)
    told = ToldNames(clock, LookupClient(context.state.resolver_socket))
    telling = asyncio.create_task(told.run())
    stack.push_async_callback(asyncio.wait, {telling})
    stack.callback(telling.cancel)
    return told


def day_left(clock: Callable[[], datetime]) -> Callable[[], float]:
    """Return a function that gives the seconds until the UTC day ends."""

    def left() -> float:
        now = clock().astimezone(UTC)
        return (datetime.combine(now + timedelta(days=1), time.min, UTC) - now).total_seconds()

    return left


def _routes(
    settings: DnsConfig, bound: tuple[str, int], cache: AnswerCache, clock: Callable[[], float], bootstrap: Bootstrap
) -> Routes:
    def forwarder(listed: Sequence[str]) -> Forwarder:
        return Forwarder(upstreams(listed, bound, clock), cache, clock, settings.strategy, bootstrap)

    by_suffix = {name: forwarder([to] if isinstance(to, str) else to) for name, to in settings.routes.items()}
    return Routes(forwarder(settings.upstreams), by_suffix)


def _guards(context: WorkerContext, routes: Routes) -> tuple[list[Step], list[Change]]:
    """Return what the settings ask for beside judging, in the order in which it is to be done."""
    config = context.config.config
    settings = config.dns
    lists = with_groups(InspectLists.of(config.inspect, config.never_inspect), context.policy)
    steps: list[Step] = [OtherResolvers(settings.encrypted_dns == "block", context.policy).refuse]
    if settings.local_reverse:
        steps.append(routes.keep_reverse_local)
    changes: list[Change] = [KeepVisible(context.policy, settings.strip_ech_h3, lists).change]
    if settings.private_answers == "block":
        changes.insert(0, RebindingGuard(settings.private_names, routes.covers).change)
    changes.append(AllowedNames(context.reporter).change)
    return steps, changes


def _inside_clients(config: Config) -> Callable[[Device], Client]:
    """Give the client behind a device; remembered, so that a question costs no look at the network's interfaces.

    One in a tunnel finds us at our addresses in there.
    """
    host, page, tunnel = config.dns.host, config.dns.page_address, Seats.of(config.wireguard).gateway

    @lru_cache(maxsize=4096)
    def client(device: Device) -> Client:
        if device.listener == "wireguard":
            return Client(device, page=page or tunnel, sees_page=True)
        try:
            source = ip_address(device.address)
        except ValueError:
            source = ip_address("127.0.0.1")
        return Client(device, page=page or own_addresses(host, source))

    return client


def upstreams(
    written: Sequence[str], bound: tuple[str, int], clock: Callable[[], float]
) -> Callable[[], tuple[Endpoint, ...]]:
    """Return a function that gives the upstreams of the moment, the same tuple until they change.

    Raises ValueError for one that cannot be used.
    """
    system = SystemResolvers([bound], clock)
    listed = [None if text == "system" else parse_endpoint(text) for text in written]

    @lru_cache(maxsize=1)
    def together(ours: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
        found = [ours if one is None else (one,) for one in listed]
        return tuple(dict.fromkeys(endpoint for some in found for endpoint in some))

    if None not in listed:
        fixed = together(())
        return lambda: fixed
    return lambda: together(system.endpoints())


def bind(host: str, port: int, *, shared: bool = False) -> tuple[socket.socket, socket.socket]:
    """Bind UDP and TCP to one port; port 0 takes one that is free for both. Raises OSError naming the address.

    A `shared` port may be bound by several processes of ours; each client's packets come to one of them.
    """
    for _ in range(_TRIES if port == 0 else 1):
        udp = _socket(host, port, socket.SOCK_DGRAM, shared)
        try:
            return udp, _socket(host, udp.getsockname()[1], socket.SOCK_STREAM, shared)
        except OSError:
            udp.close()
            if port:
                raise
    raise OSError(f"no port of {host} is free for both UDP and TCP")


def _socket(host: str, port: int, kind: socket.SocketKind, shared: bool) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind)
    try:
        if kind == socket.SOCK_STREAM:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        else:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
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
