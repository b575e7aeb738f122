"""One device's tunnel as a server of mitmproxy's: a UDP port, the server's key for it, and the device's *public* key.

mitmproxy's own WireGuard mode wants the client's private key in a file, to show its configuration; ours never has it.
Which streams come is known here, what becomes of them is not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, cast

import mitmproxy_rs
from mitmproxy.proxy import layer, layers, mode_specs
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.mode_servers import AsyncioServerInstance, ServerManager

from indicators.observation import Device
from proxy.wireguard.userspace.stream import Stream

_CLOSE_WITHIN = 5.0  # seconds

type Take = Callable[[str, Stream], Awaitable[None]]  # device's id, stream


@dataclass(frozen=True, slots=True)
class TunnelSpec:
    """Say which listener a device has. Both keys are base64; the device's private one is nowhere in the gateway."""

    device: Device
    port: int
    server_key: str = field(repr=False)
    peer_key: str

    def is_same_listener(self, other: TunnelSpec) -> bool:
        """Say whether the two differ in nothing that a listener is made of."""
        return (self.port, self.server_key, self.peer_key) == (other.port, other.server_key, other.peer_key)


class DeviceTunnelMode(mode_specs.WireGuardMode):
    """Name our mode to mitmproxy, which knows modes by the names of their classes."""

    description = "WireGuard tunnel of one device"


class DeviceTunnel(AsyncioServerInstance[DeviceTunnelMode]):
    """Listen for one device. Preshared keys are not spoken by this stack: with one, no handshake would succeed."""

    def __init__(self, spec: TunnelSpec, host: str, manager: ServerManager, take: Take) -> None:
        super().__init__(DeviceTunnelMode.parse(f"devicetunnel@{host}:{spec.port}"), manager)
        self.spec = spec
        self._take = take

    @property
    def port(self) -> int:
        """Return the UDP port that is really bound; 0 while none is."""
        return int(self.listen_addrs[0][1]) if self.listen_addrs else 0

    def make_top_layer(self, context: Context) -> layer.Layer:
        """Return mitmproxy's layer for traffic that was routed here."""
        return layers.modes.TransparentProxy(context)

    async def start_udp_based_server(self, host: str, port: int) -> mitmproxy_rs.wireguard.WireGuardServer:
        """Bind one address. Raises OSError, and ValueError for what is no key."""
        return await mitmproxy_rs.wireguard.start_wireguard_server(
            host, port, self.spec.server_key, [self.spec.peer_key], self.handle_stream, self.handle_stream
        )

    async def handle_stream(self, reader: Any, writer: Any = None) -> None:
        """Take a TCP connection or the datagrams of one pair of addresses that came through the tunnel."""
        await self._take(self.spec.device.id, reader)

    async def _stop(self) -> None:
        """Close, and wait until the port is free: a device whose keys are rotated keeps it."""
        closing = [cast("mitmproxy_rs.wireguard.WireGuardServer", one) for one in self._servers]
        await super()._stop()
        async with asyncio.timeout(_CLOSE_WITHIN):
            for one in closing:
                await one.wait_closed()
