"""The inspector process: mitmproxy with our addons, joined to the rest of the gateway. Everything is injected here."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from addons.asking import Asking
from addons.chain import chain
from addons.held_bytes import HeldBytes
from addons.private_reach import PrivateReach
from addons.refusals import App
from addons.services import Services
from addons.waivers import Consent
from indicators.observation import Device
from proxy import ca
from proxy.control import ControlClient, ControlError
from proxy.decryption_budget import DecryptionBudget
from proxy.devices import DeviceDirectory
from proxy.devices.following import follow
from proxy.dns.lookup import LookupClient
from proxy.inspect_lists import lists_of
from proxy.inspector.engine import Engine
from proxy.inspector.taker import Taker
from proxy.judging_again import Open, judge_again
from proxy.onboarding import handed_out
from proxy.own_ports import ToldPorts
from proxy.radar.known_names import KnownNames
from proxy.radar.signs import Signs
from proxy.radar.watch import Watch
from proxy.reachable import reachable
from proxy.scanning.configured import policy_of, pool_of
from proxy.worker import WorkerContext


async def serve(context: WorkerContext) -> None:
    """Serve clients that are handed over until the worker is to stop. Raises OSError when it cannot listen."""
    async with joined(context) as here:
        serve_one = partial(here.engine.serve, arrivals=here.services.arrivals)
        taker = Taker(context.state.run / context.role, serve_one)
        directory = DeviceDirectory.of(context.state, context.secrets)
        following = asyncio.create_task(follow(directory, taker.end, context.control))
        try:
            taker.start()
            await context.ready(here.engine.bound())
            gc.collect()
            gc.freeze()  # what stays is not gone through again; what has passed is freed the sooner
            await until_over(context.stopping, here.engine)
        finally:
            following.cancel()
            taker.close()


@dataclass(frozen=True, slots=True)
class Joined:
    """Hold a running mitmproxy, what its addons were given, the way to the resolver, and the radar's two ears."""

    engine: Engine
    services: Services
    names: LookupClient
    signs: Signs
    sights: KnownNames


@asynccontextmanager
async def joined(context: WorkerContext) -> AsyncIterator[Joined]:
    """Run mitmproxy with our addons, joined to the rest of the gateway, until the block ends."""
    config = context.config.config
    authority = await asyncio.to_thread(ca.load_or_create, context.state, context.clock())
    names = LookupClient(context.state.resolver_socket)
    scanner = pool_of(config.scan, context.state.scans)
    budget = DecryptionBudget(context.state.root / "decryption", context.role, context.clock)
    watch = Watch(context.state.radar, context.role, context.clock)
    signs = Signs(watch)
    sights = KnownNames(signs, names)
    services = Services(
        policy=context.policy,
        epoch=lambda: context.policy.epoch,
        reporter=context.reporter,
        names=names,
        device_of=DeviceDirectory(context.secrets.installation_id, rules=context.policy.rules).weak,
        own_ports=ToldPorts(config, context.control),
        trust=Trust(context.control),
        waive=Waive(context.control, int(config.policy.waiver.total_seconds())),
        ask=AskAccess(context.control),
        authority=authority.encoded,
        clock=context.clock,
        waiver_key=context.secrets.waiver_key,
        lists=lists_of(config, context.policy),
        on_error=config.policy.on_error,
        waived_for=config.policy.waiver,
        reach=PrivateReach(reachable(config)),
        pinned=lambda app: context.policy.is_pinned(app.device, app.host, app.ja4),
        pin=Pin(context.control),
        splices_pinned=config.policy.pinning == "splice",
        opened=budget.opened,
        given=names.names,
        unseen=budget.unseen,
        blocks_large=config.policy.large_download == "block",
        held=HeldBytes(config.scan.memory * 1024 * 1024),
        scanner=scanner,
        scan=policy_of(config.scan),
        sights=sights,
        handed_out=handed_out(config.proxy, context.secrets.installation_id, authority.encoded),
    )
    settings = {"ssl_verify_upstream_trusted_ca": str(config.proxy.upstream_ca)} if config.proxy.upstream_ca else {}
    engine = Engine((), context.state.ca_dir, chain(services), context.work, **settings)

    def opened() -> Iterator[Open]:
        return ((seen, partial(engine.hang_up_on, client)) for client, seen in services.passing)

    working = (budget.run(), watch.run(), judge_again(context.policy, context.reporter, opened))
    counting = [asyncio.create_task(work) for work in working]
    try:
        await engine.start()
        yield Joined(engine, services, names, signs, sights)
    finally:
        for task in counting:
            task.cancel()
        await engine.stop()
        await names.close()
        if scanner is not None:
            await scanner.close()


class Trust:
    """Tell the supervisor that a device trusts our CA."""

    def __init__(self, control: ControlClient) -> None:
        self._control = control

    async def __call__(self, device: Device) -> None:
        """Raise ControlError when it cannot be told."""
        await self._control.call("trust_ca", device=device.id)


class Pin:
    """Tell the supervisor of an app that refuses our certificate."""

    def __init__(self, control: ControlClient) -> None:
        self._control = control

    async def __call__(self, device: Device, app: App) -> None:
        """Raise ControlError when it cannot be told."""
        await self._control.call("pin", device=app.device, host=app.host, ja4=app.ja4, name=device.name)


class AskAccess:
    """Have a person's request for access handed in by the supervisor."""

    def __init__(self, control: ControlClient) -> None:
        self._control = control

    async def __call__(self, asking: Asking) -> str:
        """Return the request's status. Raises ControlError when it cannot be handed in."""
        reply = await self._control.call(
            "ask_access",
            device=asking.device.id,
            name=asking.device.name or asking.device.id,
            host=asking.consent.host,
            incident=asking.consent.incident,
            nonce=asking.consent.nonce,
            note=asking.note,
        )
        return str(reply.get("status", ""))


class Waive:
    """Have a person's consent put in force by the supervisor."""

    def __init__(self, control: ControlClient, seconds: int) -> None:
        self._control = control
        self._seconds = seconds

    async def __call__(self, consent: Consent) -> None:
        """Return when all workers hold it. Raises ValueError when the form was used before, ControlError else."""
        try:
            await self._control.call(
                "waive",
                nonce=consent.nonce,
                device=consent.device,
                host=consent.host,
                indicator=consent.indicator,
                seconds=self._seconds,
            )
        except ControlError as problem:
            if str(problem) == "used":
                raise ValueError("this form was used before; open the page again") from None
            raise


async def until_over(stopping: asyncio.Event, engine: Engine) -> None:
    """Return when the worker is to stop, or raise what ended mitmproxy."""
    stop, ended = asyncio.create_task(stopping.wait()), asyncio.create_task(engine.ended())
    try:
        await asyncio.wait((stop, ended), return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            ended.result()
            raise RuntimeError("mitmproxy ended by itself")
    finally:
        stop.cancel()
        ended.cancel()
