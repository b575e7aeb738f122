"""The front process: listeners joined to policy, resolver, inspectors and reports. Everything is injected here."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import time
from collections.abc import Iterable
from dataclasses import replace

import structlog

from addons.own_ports import OwnPorts
from addons.private_reach import PrivateReach
from indicators.words import Enforcement
from proxy.config.model import Config
from proxy.decryption_budget import DecryptionBudget
from proxy.devices import DeviceDirectory
from proxy.devices.following import follow
from proxy.dns.lookup import LookupClient
from proxy.front.clients import ClientList
from proxy.front.crossing import Crossing
from proxy.front.doorway import Doorway
from proxy.front.entries import entries
from proxy.front.front import Front
from proxy.front.inspectors import Inspectors
from proxy.front.mismatch import Mismatches
from proxy.front.proxy_protocol import proxy_header
from proxy.front.tunnel_entries import tunnel_entries
from proxy.front.tunnels import Open, Tunnels
from proxy.front.watching import Watching
from proxy.inspect_lists import lists_of
from proxy.own_ports import ToldPorts
from proxy.policy import LivePolicy
from proxy.radar.watch import Watch
from proxy.reachable import reachable
from proxy.roles import inspectors
from proxy.worker import WorkerContext

_DRAIN = 1.5  # seconds that open tunnels have to end by themselves when the gateway stops
_LOOK = 0.25  # seconds between looks whether something else is known

log = structlog.get_logger("front")


async def serve(context: WorkerContext) -> None:
    """Serve the front's listeners until the worker is to stop. Raises OSError when one cannot be bound."""
    config = context.config.config
    _take_descriptors(config.proxy.max_connections)
    lookups = LookupClient(context.state.resolver_socket)
    handing = Inspectors([context.state.run / role.name for role in inspectors(config.proxy.inspectors)])
    budget = DecryptionBudget(context.state.root / "decryption", context.role, context.clock)
    directory = DeviceDirectory.of(context.state, context.secrets, context.policy.rules)
    watch = Watch(context.state.radar, context.role, context.clock)
    door = replace(_door(context, config, lookups, handing, directory, Watching(watch)), unenforced=budget.unenforced)
    front = Front(door, config.proxy.max_connections)
    following = follow(directory, door.tunnels.end, context.control)
    working = (_judge_again(context.policy, door), budget.run(), watch.run(), following)
    beside = [asyncio.create_task(work) for work in working]
    try:
        listeners = [*entries(config), *tunnel_entries(config, directory)]
        await context.ready({entry.name: await front.listen(entry) for entry in listeners})
        await context.stopping.wait()
    finally:
        for task in beside:
            task.cancel()
        await front.close(_DRAIN)
        handing.close()
        await lookups.close()


def _door(
    context: WorkerContext,
    config: Config,
    lookups: LookupClient,
    handing: Inspectors,
    directory: DeviceDirectory,
    watching: Watching,
) -> Doorway:
    crossing = Crossing(
        context.policy,
        lookups,
        lists_of(config, context.policy),
        OwnPorts(ToldPorts(config, context.control), time.monotonic),
        epoch=lambda: context.policy.epoch,
        reach=PrivateReach(reachable(config)),
        came=watching.came,
    )
    return Doorway(
        "http",
        crossing,
        ClientList(config.proxy, directory),
        handing,
        context.reporter,
        Tunnels(),
        Mismatches(context.reporter),
        config.policy.on_error,
        said=watching.said,
        proxy_header=proxy_header(config.proxy.trusted_proxies),
        scans=config.scan.enabled,
    )


async def _judge_again(policy: LivePolicy, door: Doorway) -> None:
    """Judge open tunnels anew whenever something else is known."""
    judged = policy.epoch
    while True:
        await asyncio.sleep(_LOOK)
        if policy.epoch != judged:
            judged = policy.epoch
            ended = await door.tunnels.judge_again(door.crossing)
            if ended:
                log.info("open connections ended that are blocked now", count=len(ended))
                _tell(door, ended)


def _tell(door: Doorway, ended: Iterable[Open]) -> None:
    """Report what was ended: one event for each device and destination, and how often."""
    told: dict[tuple[str, str], str] = {}
    for tunnel in ended:
        seen, verdict = door.crossing.again(tunnel.passage, tunnel.server_name)
        key = (seen.device.id, seen.destination)
        if key in told:
            door.reporter.repeat(told[key])
        elif verdict.stops:
            told[key] = door.reporter.report(seen, verdict, Enforcement.RESET)


def _take_descriptors(connections: int) -> None:
    """Raise this process's limit of open files as far as the connections need and the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * connections + 256
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(most, soft), hard))
