"""The inspector process: mitmproxy with our addons, joined to the rest of the gateway. Everything is injected here."""

from __future__ import annotations

import asyncio

from addons.chain import chain
from addons.services import Services
from addons.waivers import Consent
from indicators.inspection import InspectLists
from indicators.observation import Device
from proxy import ca
from proxy.config.model import Config
from proxy.control import ControlClient, ControlError
from proxy.devices import DeviceDirectory
from proxy.dns.lookup import LookupClient
from proxy.inspector.engine import Engine, Listener
from proxy.worker import WorkerContext


async def serve(context: WorkerContext) -> None:
    """Serve the proxy's listeners until the worker is to stop. Raises OSError when one cannot be bound."""
    config = context.config.config
    authority = await asyncio.to_thread(ca.load_or_create, context.state, context.clock())
    names = LookupClient(context.state.resolver_socket)
    services = Services(
        policy=context.policy,
        reporter=context.reporter,
        names=names,
        device_of=DeviceDirectory(context.secrets.installation_id).weak,
        own_ports=OwnPorts(config, context.control),
        trust=Trust(context.control),
        waive=Waive(context.control, int(config.policy.waiver.total_seconds())),
        authority=authority.encoded,
        clock=context.clock,
        waiver_key=context.secrets.waiver_key,
        lists=InspectLists.of(config.inspect, config.never_inspect, config.inspect_untrusted),
        on_error=config.policy.on_error,
        waived_for=config.policy.waiver,
    )
    engine = Engine(listeners(config), context.state.ca_dir, chain(services))
    try:
        await engine.start()
        await context.ready(engine.bound())
        await _until_over(context.stopping, engine)
    finally:
        await engine.stop()
        await names.close()


def listeners(config: Config) -> tuple[Listener, ...]:
    """Return the listeners that the configuration asks for."""
    host, proxy = str(config.proxy.host), config.proxy
    found = [Listener("http_proxy", "regular", host, proxy.port), Listener("socks", "socks5", host, proxy.socks_port)]
    if proxy.transparent_port is not None:
        found.append(Listener("transparent", "transparent", host, proxy.transparent_port))
    return tuple(found)


def ports_of(config: Config) -> frozenset[int]:
    """Return the gateway's ports as configured."""
    ports = {config.proxy.port, config.proxy.socks_port, config.proxy.transparent_port, config.dns.port}
    if config.collector.url == "embedded":
        ports.add(config.collector.port)
    return frozenset(port for port in ports if port)


class OwnPorts:
    """Know the gateway's ports: those of the configuration, and those that the supervisor tells."""

    def __init__(self, config: Config, control: ControlClient) -> None:
        self._configured = ports_of(config)
        self._control = control

    async def __call__(self) -> frozenset[int]:
        """Return all ports. Without an answer of the supervisor, those of the configuration."""
        try:
            told = (await self._control.call("own_ports")).get("ports", [])
        except ControlError:
            return self._configured
        return self._configured | frozenset(int(port) for port in told)


class Trust:
    """Tell the supervisor that a device trusts our CA."""

    def __init__(self, control: ControlClient) -> None:
        self._control = control

    async def __call__(self, device: Device) -> None:
        """Raise ControlError when it cannot be told."""
        await self._control.call("trust_ca", device=device.id)


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


async def _until_over(stopping: asyncio.Event, engine: Engine) -> None:
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
