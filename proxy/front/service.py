"""The front process: listeners joined to policy, resolver, inspectors and reports. Everything is injected here."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import time
from dataclasses import replace

import structlog

from addons.own_ports import OwnPorts
from addons.private_reach import PrivateReach
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
from proxy.front.tunnels import Tunnels
from proxy.front.watching import Watching
from proxy.garbage import collect_gently
from proxy.inspect_lists import lists_of
from proxy.judging_again import judge_again
from proxy.own_ports import ToldPorts
from proxy.radar.watch import Watch
from proxy.reachable import reachable
from proxy.roles import inspectors
from proxy.worker import WorkerContext

_DRAIN = 1.5  # seconds that open tunnels have to end by themselves when the gateway stops

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
    again = judge_again(context.policy, context.reporter, door.tunnels.opened)
    working = (again, budget.run(), watch.run(), following, collect_gently())
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


def _take_descriptors(connections: int) -> None:
    """Raise this process's limit of open files as far as the connections need and the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * connections + 256
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(most, soft), hard))
