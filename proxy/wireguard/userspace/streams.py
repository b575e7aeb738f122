"""What becomes of each stream that comes out of a tunnel; all of it in one place, by protocol and port.

    port 53                  our resolver, whichever was asked
    TCP 853, UDP 853         refused: encrypted DNS to others
    TCP 80, 443 to us        the block page's address: the site says itself which it is
    other TCP                mitmproxy with the addons, which judge every stage
    UDP 443                  refused, unless QUIC is to pass
    other UDP                judged by its address and passed on, or dropped

Who a device is was settled by the listener; the sender's address inside the tunnel is never looked at.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import cast

from indicators.addresses import unmap
from indicators.observation import Address, Device, Observation
from proxy.endpoints import spell
from proxy.front.greetings import GreetingError
from proxy.hand_over import HandOver, Kind
from proxy.pages.arriving import site_by_hello, site_by_request
from proxy.wireguard.userspace import datagrams, quic
from proxy.wireguard.userspace.datagram_gate import Gate, seen_of
from proxy.wireguard.userspace.names import TunnelNames
from proxy.wireguard.userspace.said import Said
from proxy.wireguard.userspace.stream import Stream

MOST_DATAGRAM_FLOWS = 256  # of one device at the same time: each has a socket
_DNS, _DOT, _HTTP, _HTTPS = 53, 853, 80, 443
_SPEAK_WITHIN = 30.0  # seconds for a client of the page to say which site it wants
_END_WITHIN = 2.0  # seconds for what was cut to end
_AT_ONCE = 65535  # bytes
_ACCESS_DENIED = bytes((21, 3, 3, 0, 2, 2, 49))  # a fatal TLS alert (RFC 8446, section 6.2)

log = logging.getLogger(__name__)

type Inspect = Callable[[HandOver, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Ways:
    """Hold where streams go. `inspect` runs one in mitmproxy, `hang_up` ends all of a device there.

    `gateway` are our own addresses inside the tunnel. `came` notes a connection for the radar.
    """

    inspect: Inspect
    hang_up: Callable[[str], None]
    names: TunnelNames
    gate: Gate
    gateway: Collection[Address]
    rejects_quic: bool = True
    forwards_udp: bool = True
    came: Callable[[Device, str, int], None] = lambda device, host, port: None


class Streams:
    """Take streams, and end all of a device. `heard` says of each device when and from where something came last."""

    def __init__(self, ways: Ways, device_of: Callable[[str], Device | None], clock: Callable[[], datetime]) -> None:
        self.heard: dict[str, tuple[datetime, str]] = {}
        self._ways = ways
        self._clock = clock
        self._device_of = device_of
        self._open: dict[str, set[asyncio.Task[None]]] = {}
        self._inspected: set[asyncio.Task[None]] = set()
        self._relayed: Counter[str] = Counter()
        self._relays: dict[asyncio.Task[None], Observation] = {}

    async def take(self, device_id: str, stream: Stream) -> None:
        """Serve one stream until it is over; one of a device that was revoked meanwhile is closed."""
        device, task = self._device_of(device_id), asyncio.current_task()
        if device is None or task is None:
            stream.close()
            return
        self._open.setdefault(device_id, set()).add(task)
        self.heard[device_id] = (self._clock(), _outside(stream))
        try:
            await self._serve(device, stream, task)
        except (OSError, GreetingError) as problem:
            log.debug("a stream of a tunnel ended: %s", problem)
        finally:
            self._forget(device_id, task)
            with contextlib.suppress(OSError):
                stream.close()

    async def cut(self, device_id: str) -> None:
        """End all that a device has open, and wait until it has ended."""
        self.heard.pop(device_id, None)
        tasks = self._open.get(device_id, set()).copy()
        for task in tasks - self._inspected:
            task.cancel()
        self._ways.hang_up(device_id)
        if tasks:
            _, left = await asyncio.wait(tasks, timeout=_END_WITHIN)
            for task in left:
                task.cancel()

    def opened(self) -> Iterator[tuple[Observation, Callable[[], object]]]:
        """Yield what was seen of each flow of datagrams, and what ends it. TCP is for mitmproxy's side to tell."""
        for task in tuple(self._relays):
            if task in self._relays:
                yield self._relays[task], task.cancel

    async def _serve(self, device: Device, stream: Stream, task: asyncio.Task[None]) -> None:
        host, port = _destination(stream)
        if stream.get_extra_info("transport_protocol") == "udp":
            await self._datagrams(device, stream, task, unmap(ip_address(host)), port)
        elif port == _DNS:
            await self._ways.names.connection(stream, device)
        elif port == _DOT:
            await _refuse_tls(stream)
        else:
            await self._connection(device, stream, task, host, port)

    async def _connection(self, device: Device, stream: Stream, task: asyncio.Task[None], host: str, port: int) -> None:
        said = Said(stream)
        if port in (_HTTP, _HTTPS) and unmap(ip_address(host)) in self._ways.gateway:
            async with asyncio.timeout(_SPEAK_WITHIN):
                host = await (site_by_hello(said) if port == _HTTPS else site_by_request(said))
        self._ways.came(device, host, port)
        self._inspected.add(task)
        given = HandOver(Kind.TUNNEL, b"", device, host, port, guarded=True)
        await self._ways.inspect(given, cast("asyncio.StreamReader", said), cast("asyncio.StreamWriter", stream))

    async def _datagrams(
        self, device: Device, stream: Stream, task: asyncio.Task[None], to: Address, port: int
    ) -> None:
        if port == _DNS:
            await self._ways.names.datagrams(stream, device)
        elif port == _HTTPS and self._ways.rejects_quic:
            await _refuse_quic(stream)
        elif port != _DOT and self._ways.forwards_udp and not _is_of_a_link(to):
            await self._relay(device, stream, task, to, port)

    async def _relay(self, device: Device, stream: Stream, task: asyncio.Task[None], to: Address, port: int) -> None:
        if self._relayed[device.id] >= MOST_DATAGRAM_FLOWS:
            log.warning("a device has %d flows of datagrams open; further ones are dropped", MOST_DATAGRAM_FLOWS)
            return
        self._relayed[device.id] += 1
        try:
            if await self._ways.gate.lets_pass(device, to, port):
                self._relays[task] = seen_of(device, to, port)
                await datagrams.relay(stream, to, port)
        finally:
            self._relayed[device.id] -= 1
            self._relays.pop(task, None)

    def _forget(self, device_id: str, task: asyncio.Task[None]) -> None:
        self._inspected.discard(task)
        of_device = self._open[device_id]
        of_device.discard(task)
        if not of_device:
            del self._open[device_id]


async def _refuse_tls(stream: Stream) -> None:
    """Answer a ClientHello with an alert: closed before the client has spoken, a stream is not seen to end."""
    async with asyncio.timeout(_SPEAK_WITHIN):
        await stream.read(_AT_ONCE)
    stream.write(_ACCESS_DENIED)
    await stream.drain()


async def _refuse_quic(stream: Stream) -> None:
    async with asyncio.timeout(_SPEAK_WITHIN):
        reply = quic.refusal(await stream.read(_AT_ONCE))
    if reply:
        stream.write(reply)
        await stream.drain()


def _destination(stream: Stream) -> tuple[str, int]:
    host, port = stream.get_extra_info("sockname")[:2]
    return str(host), int(port)


def _outside(stream: Stream) -> str:
    """Return where the tunnel's own packets come from, `address:port`."""
    host, port = stream.get_extra_info("original_src", ("", 0))[:2]
    return spell(str(host), int(port)) if host else ""


def _is_of_a_link(address: Address) -> bool:
    """Say whether an address means the devices around: their chatter ends here, and nobody is told."""
    return address.is_multicast or address.is_link_local or address.is_unspecified or str(address) == "255.255.255.255"
