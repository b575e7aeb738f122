"""The tunnels' process: mitmproxy with our addons behind one listener for each device. Everything is injected here."""

from __future__ import annotations

import asyncio
from functools import partial

from indicators.observation import Device
from proxy.control.server import ControlServer
from proxy.devices import DeviceDirectory
from proxy.devices.published import PublishedRegistry
from proxy.devices.seats import Seats
from proxy.inspector.service import Joined, joined, until_over
from proxy.judging_again import judge_again
from proxy.wireguard.keys import server_keys
from proxy.wireguard.userspace.datagram_gate import DatagramGate
from proxy.wireguard.userspace.device_tunnel import DeviceTunnel, TunnelSpec
from proxy.wireguard.userspace.following import Following
from proxy.wireguard.userspace.names import TunnelNames
from proxy.wireguard.userspace.streams import Streams, Ways
from proxy.wireguard.userspace.tunnels import Tunnels
from proxy.worker import WorkerContext

_ANY = ""  # both 0.0.0.0 and ::


async def serve(context: WorkerContext) -> None:
    """Serve the tunnels of the registry's devices until the worker is to stop."""
    async with joined(context) as here:
        tunnels, streams = _tunnels(context, here)
        registry = PublishedRegistry(context.state.devices)
        directory = DeviceDirectory.of(context.state, context.secrets, context.policy.rules)
        keys = await asyncio.to_thread(server_keys, context.state)
        following = Following(registry, directory, keys, tunnels, streams.heard)
        await following.take_over()
        desk = ControlServer(context.state.tunnel_socket, following.handlers())
        working = (following.run(), judge_again(context.policy, context.reporter, streams.opened))
        beside = [asyncio.create_task(work) for work in working]
        try:
            await desk.start()
            await context.ready({})  # UDP ports, which nobody could try
            await until_over(context.stopping, here.engine)
        finally:
            for task in beside:
                task.cancel()
            await desk.stop()
            await tunnels.close()


def _tunnels(context: WorkerContext, here: Joined) -> tuple[Tunnels, Streams]:
    config = context.config.config

    def asks(device: Device) -> None:
        context.reporter.device_seen(device)
        here.signs.asks(device)

    ways = Ways(
        inspect=partial(here.engine.serve, arrivals=here.services.arrivals),
        hang_up=lambda device: here.engine.hang_up(device, here.services.arrivals),
        names=TunnelNames(here.names, asks),
        gate=DatagramGate(here.services),
        gateway=frozenset(Seats.of(config.wireguard).gateway),
        rejects_quic=config.quic == "reject",
        forwards_udp=config.wireguard.udp == "forward",
        came=here.sights.arrived,
    )
    devices: dict[str, Device] = {}
    streams = Streams(ways, devices.get, context.clock)

    def make(spec: TunnelSpec) -> DeviceTunnel:
        return DeviceTunnel(spec, _ANY, here.engine.manager, streams.take)

    return Tunnels(make, streams.cut, devices), streams
