"""The operations of the control socket: each checks its fields and hands on; state is kept by others."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Protocol

from indicators.overlay import Pin, Waiver
from proxy.config.model import Config
from proxy.config_wire import to_wire
from proxy.control.protocol import ControlError, number_field, text_field
from proxy.control.server import Handler, Peer
from proxy.overlay_store import OverlayStore, Waive
from proxy.supervisor.overlay_desk import OverlayDesk

_YEAR = 366 * 86400  # seconds
_OPERATIONS = (
    "hello ready holding health waive trust_ca allow pause resume add_indicator remove_indicator status own_ports "
    "pin unpin pins ask_access"
).split()
_FACTS = ("failures", "lost", "short_of_room", "work")
type Reply = Mapping[str, Any]


class Floor(Protocol):
    """What operations need of the running gateway."""

    config: Config

    def joined(self, peer: Peer) -> None:
        """Take note of a worker that said hello."""
        ...

    def ready(self, peer: Peer, bound: Mapping[str, str]) -> None:
        """Take note of a worker whose listeners answer."""
        ...

    def own_ports(self) -> list[int]:
        """Return every port that the gateway listens on."""
        ...

    def enforces(self, role: str) -> bool:
        """Say whether a role must hold a generation before a waiver counts."""
        ...


class Operations:
    """Answer each operation by the method of its name."""

    def __init__(
        self,
        desk: OverlayDesk,
        floor: Floor,
        how_it_is: Callable[[], Mapping[str, Any]],
        clock: Callable[[], datetime],
        ask: Callable[[Mapping[str, Any]], Awaitable[str]] | None = None,
    ) -> None:
        self._ask = ask
        self._desk = desk
        self._how_it_is = how_it_is
        self._floor = floor
        self._clock = clock

    def handlers(self) -> dict[str, Handler]:
        """Return every operation by its name on the wire."""
        return {name: getattr(self, name) for name in _OPERATIONS}

    async def hello(self, peer: Peer, fields: Mapping[str, Any]) -> Reply:
        """Introduce a worker; answer with the configuration to work by."""
        peer.role = text_field(fields, "role", limit=32)
        if self._floor.enforces(peer.role):
            await self._desk.joined(peer)
        self._floor.joined(peer)
        return {"config": to_wire(self._floor.config), "generation": self._desk.overlay.generation}

    async def ready(self, peer: Peer, fields: Mapping[str, Any]) -> Reply:
        """Take the addresses that a worker has bound."""
        bound = fields.get("bound")
        if not isinstance(bound, dict) or not all(isinstance(each, str) for each in bound.values()):
            raise ControlError("bound: expected names and addresses")
        self._floor.ready(_worker(peer), bound)
        return {}

    async def holding(self, peer: Peer, fields: Mapping[str, Any]) -> Reply:
        """Take a worker's word that it judges by a generation."""
        await self._desk.holding(_worker(peer), number_field(fields, "generation", least=0, most=2**62))
        return {}

    async def health(self, peer: Peer, fields: Mapping[str, Any]) -> Reply:
        """Keep what a worker says of itself, for the status, and when: one that is silent is stuck."""
        _worker(peer).heard = time.monotonic()
        _worker(peer).facts = {name: int(fields.get(name, 0)) for name in _FACTS}
        return {}

    async def waive(self, peer: Peer, fields: Mapping[str, Any]) -> Reply:
        """Exchange a nonce for a waiver; answered when every worker that enforces knows it."""
        seconds = number_field(fields, "seconds", least=1, most=_YEAR)
        names = ("device", "host", "indicator")
        device, host, indicator = (text_field(fields, name) for name in names)
        waiver = Waiver(device, host, indicator, self._clock() + timedelta(seconds=seconds))
        asked = Waive(text_field(fields, "nonce", limit=128), waiver)
        return await self._changed(lambda store: store.waive(asked, self._clock()), until=waiver.until)

    async def trust_ca(self, peer: Peer, fields: Mapping[str, Any]) -> Reply:
        """Note that a device completed a handshake under our CA."""
        device = text_field(fields, "device", limit=128)
        if device in self._desk.overlay.trusted_devices:
            return {}
        return await self._changed(lambda store: store.trust(device, self._clock()))

    async def pin(self, peer: Peer, fields: Mapping[str, Any]) -> Reply:
        """Remember an app that refuses our certificate for a host, as long as `policy.pinned_for` says."""
        until = self._clock() + self._floor.config.policy.pinned_for
        device, host, ja4 = (text_field(fields, name, limit=255) for name in ("device", "host", "ja4"))
        pin = Pin(device, host, ja4, until, str(fields.get("name", ""))[:255])
        return await self._changed(lambda store: store.pin(pin, self._clock()), until=until)

    async def unpin(self, peer: Peer, fields: Mapping[str, Any]) -> Reply:
        """Forget apps that refuse our certificate: of a host, of a device, or all."""
        host, device = (str(fields.get(name) or "") for name in ("host", "device"))
        before = len(self._desk.overlay.pins)
        reply = await self._changed(lambda store: store.unpin(host, device))
        return {**reply, "removed": before - len(self._desk.overlay.pins)}

    async def pins(self, peer: Peer, fields: Mapping[str, Any]) -> Reply:
        """List apps that refuse our certificate."""
        now = self._clock()
        found = [pin for pin in self._desk.overlay.pins if pin.until > now]
        return {"pins": [{**asdict(pin), "until": pin.until.isoformat(timespec="seconds")} for pin in found]}

    async def allow(self, peer: Peer, fields: Mapping[str, Any]) -> Reply:
        """Let a host through, for some seconds or for good."""
        host = text_field(fields, "host")
        until = self._until(fields) if fields.get("seconds") is not None else None
        return await self._changed(lambda store: store.allow(host, until), until=until)

    async def pause(self, peer: Peer, fields: Mapping[str, Any]) -> Reply:
        """Stop blocking for some seconds."""
        until = self._until(fields)
        return await self._changed(lambda store: store.pause(until), until=until)

    async def resume(self, peer: Peer, fields: Mapping[str, Any]) -> Reply:
        """End a pause."""
        return await self._changed(lambda store: store.pause(None))

    async def add_indicator(self, peer: Peer, fields: Mapping[str, Any]) -> Reply:
        """Set an indicator at run time; `entry` is in the form of a YAML entry."""
        entry = _entry(fields)
        return await self._changed(lambda store: store.add_indicator(entry))

    async def remove_indicator(self, peer: Peer, fields: Mapping[str, Any]) -> Reply:
        """Remove what `add_indicator` set."""
        entry = _entry(fields)
        return await self._changed(lambda store: store.remove_indicator(entry))

    async def ask_access(self, peer: Peer, fields: Mapping[str, Any]) -> Reply:
        """Hand a person's request for access to the collector; answered with what became of it."""
        if self._ask is None:
            raise ControlError("no collector takes requests")
        _worker(peer)
        names = ("device", "name", "host", "nonce")
        device, name, host, nonce = (text_field(fields, each) for each in names)
        incident, note = (str(fields.get(each, ""))[:1000] for each in ("incident", "note"))
        asked = {"id": nonce, "device": {"id": device, "name": name}, "host": host, "incident": incident, "note": note}
        return {"status": await self._ask(asked)}

    async def status(self, peer: Peer, fields: Mapping[str, Any]) -> Reply:
        """Say how the gateway is."""
        return self._how_it_is()

    async def own_ports(self, peer: Peer, fields: Mapping[str, Any]) -> Reply:
        """Name every port of the gateway."""
        return {"ports": self._floor.own_ports()}

    async def _changed(self, what: Callable[[OverlayStore], object], until: datetime | None = None) -> Reply:
        generation = await self._desk.change(what)
        await self._desk.until_held(generation)
        return {"generation": generation, **({"until": until.isoformat(timespec="seconds")} if until else {})}

    def _until(self, fields: Mapping[str, Any]) -> datetime:
        return self._clock() + timedelta(seconds=number_field(fields, "seconds", least=1, most=_YEAR))


def _worker(peer: Peer) -> Peer:
    if not peer.role:
        raise ControlError("say `hello` first")
    return peer


def _entry(fields: Mapping[str, Any]) -> Mapping[object, object]:
    entry = fields.get("entry")
    if not isinstance(entry, dict):
        raise ControlError("entry: expected an indicator as in YAML")
    return entry
