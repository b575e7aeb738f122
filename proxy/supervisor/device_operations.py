"""The operations of the control socket on devices: each checks its fields and hands on to the registry's one writer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from indicators.membership import DEFAULT_GROUP, Membership
from proxy.config.model import Config
from proxy.control.protocol import ControlError, text_field
from proxy.control.server import Handler, Peer
from proxy.devices.credentials import NewCredentials
from proxy.devices.following import SEEN
from proxy.devices.grouping import group_of_record
from proxy.devices.record import DeviceRecord, described
from proxy.devices.seats import Seats
from proxy.devices.store import DeviceStore
from proxy.groups import membership_of
from proxy.profiles.keys import KeyPair, checked_public, new_keys
from proxy.state import StateDir
from proxy.supervisor.tunnel_desk import TunnelDesk

type Reply = Mapping[str, Any]
LENT_FOR = timedelta(minutes=10)
_FOLLOWED_WITHIN = 1.5  # seconds; then the tunnel ends all the same


class DeviceOperations:
    """Answer `devices` and the operations that change one; a change is in force when it is answered.

    With a `desk` a device gets a tunnel: keys are made here unless the request has the device's own `peer_key`, and
    the private one is told once, or kept where `keep_key` is true. `rules` are those of device groups that hold now.
    """

    def __init__(
        self, store: DeviceStore, desk: TunnelDesk | None = None, rules: Callable[[], Membership] = Membership
    ) -> None:
        self._rules = rules
        self._store = store
        self._desk = desk
        self._one_at_a_time = asyncio.Lock()
        self._followers: dict[str, str] = {}  # the registry that each worker with connections goes by
        self._followed = asyncio.Event()

    @classmethod
    def of(
        cls,
        config: Config,
        state: StateDir,
        key: bytes,
        desk: TunnelDesk | None,
        rules: Callable[[], Membership] | None = None,
    ) -> DeviceOperations:
        """Return the operations of an installation; `key` hashes what devices show."""
        tunnel = config.wireguard
        seats = Seats.of(tunnel, needs_port=tunnel.backend == "userspace") if tunnel.enabled else None
        return cls(
            DeviceStore(state.devices, key, lambda: datetime.now(UTC), seats),
            desk,
            rules or (lambda: membership_of(config)),
        )

    def handlers(self) -> dict[str, Handler]:
        """Return every operation by its name on the wire."""
        return {
            "devices": self.all,
            "device_add": self.add,
            "device_rename": self.rename,
            "device_move": self.move,
            "device_tag": self.tag,
            "device_rotate": self.rotate,
            "device_revoke": self.revoke,
            "device_tunnel": self.tunnel,
            "device_lend": self.lend,
            "device_take_back": self.take_back,
            SEEN: self.seen,
        }

    def records(self) -> tuple[DeviceRecord, ...]:
        """Return all devices."""
        return self._store.records()

    async def all(self, peer: Peer, fields: Mapping[str, Any]) -> Reply:
        """Name all devices, and what the tunnel knows of each."""
        records = await self._do(self._store.records)
        seen = await self._desk.traffic() if self._desk else {}
        rules = self._rules()
        return {"devices": [{**described(one), **_ruled(rules, one), **_traffic(one, seen)} for one in records]}

    async def add(self, peer: Peer, fields: Mapping[str, Any]) -> Reply:
        """Add a device; its secrets are told once."""
        name, group = text_field(fields, "name"), text_field(fields, "group", optional=True) or DEFAULT_GROUP
        keys = self._keys(fields)
        record, given = await self._changed(lambda: self._store.add(name, group, keys.public))
        return self._given(record, given, keys, fields)

    async def rename(self, peer: Peer, fields: Mapping[str, Any]) -> Reply:
        """Give a device another name."""
        who, name = text_field(fields, "device"), text_field(fields, "name")
        return {"device": described(await self._do(lambda: self._store.rename(who, name)))}

    async def move(self, peer: Peer, fields: Mapping[str, Any]) -> Reply:
        """Put a device into another group."""
        who, group = text_field(fields, "device"), text_field(fields, "group")
        return {"device": described(await self._do(lambda: self._store.move(who, group)))}

    async def tag(self, peer: Peer, fields: Mapping[str, Any]) -> Reply:
        """Replace a device's tags, which stand with commas between, and its platform where one is given."""
        who, platform = text_field(fields, "device"), text_field(fields, "platform", optional=True)
        tags = [tag for tag in text_field(fields, "tags", optional=True).split(",") if tag]
        return {"device": described(await self._do(lambda: self._store.tag(who, tags, platform or None)))}

    async def rotate(self, peer: Peer, fields: Mapping[str, Any]) -> Reply:
        """Give a device new secrets and a new tunnel key; the old ones end."""
        who, keys = text_field(fields, "device"), self._keys(fields)
        record, given = await self._changed(lambda: self._store.rotate(who, keys.public), ends=True)
        if self._desk:
            self._desk.kept.forget(record.id)
        return self._given(record, given, keys, fields)

    async def revoke(self, peer: Peer, fields: Mapping[str, Any]) -> Reply:
        """Forget a device: nothing that it shows is known from now on, and its tunnel ends."""
        who = text_field(fields, "device")
        record = await self._changed(lambda: self._store.revoke(who), ends=True)
        if self._desk:
            self._desk.kept.forget(record.id)
        return {"device": described(record)}

    async def lend(self, peer: Peer, fields: Mapping[str, Any]) -> Reply:
        """Tell a second token and password of a device, good for some minutes: the pilot's."""
        who = text_field(fields, "device")
        record, given = await self._do(lambda: self._store.lend(who, LENT_FOR))
        return {"device": described(record), "given": asdict(given)}

    async def take_back(self, peer: Peer, fields: Mapping[str, Any]) -> Reply:
        """End what `lend` gave."""
        who = text_field(fields, "device")
        return {"device": described(await self._do(lambda: self._store.take_back(who)))}

    async def tunnel(self, peer: Peer, fields: Mapping[str, Any]) -> Reply:
        """Tell a device's tunnel again; its private key only where it was kept."""
        who = text_field(fields, "device")
        record = await self._do(lambda: self._store.find(who))
        terms = self._desk.terms.of(record) if self._desk else None
        if self._desk is None or terms is None:
            raise ControlError(f"{record.name} has no tunnel; set `wireguard.enabled`, then `seawall devices rotate`")
        return {"device": described(record), "tunnel": {**terms, "private_key": self._desk.kept.of(record.id)}}

    async def seen(self, peer: Peer, fields: Mapping[str, Any]) -> Reply:
        """Take a worker's word that it has ended the connections of devices that are not in this registry."""
        self._followers[peer.role] = text_field(fields, "stamp", optional=True)
        self._followed.set()
        return {}

    def left(self, peer: Peer) -> None:
        """Wait no more for a worker that has gone, with its connections."""
        self._followers.pop(peer.role, None)
        self._followed.set()

    def _keys(self, fields: Mapping[str, Any]) -> KeyPair:
        """Return a device's keys: new ones, or its own public one alone; none where there is no tunnel."""
        if self._desk is None:
            return KeyPair("", "")
        own = text_field(fields, "peer_key", optional=True)
        return KeyPair("", checked_public(own)) if own else new_keys()

    def _given(self, record: DeviceRecord, given: NewCredentials, keys: KeyPair, fields: Mapping[str, Any]) -> Reply:
        secrets = {"token": given.token, "user": given.user, "password": given.password}
        reply = {"device": described(record), "given": secrets}
        if self._desk is None:
            return reply
        if fields.get("keep_key") is True and keys.private:
            self._desk.kept.keep(record.id, keys.private)
        return {**reply, "tunnel": {**(self._desk.terms.of(record) or {}), "private_key": keys.private}}

    async def _changed[Result](self, what: Callable[[], Result], *, ends: bool = False) -> Result:
        """Change the registry, then the tunnel's peers."""
        async with self._one_at_a_time:
            done = await asyncio.to_thread(what)
            if ends:
                await self._until_followed()
            if self._desk:
                await self._desk.apply(await asyncio.to_thread(self._store.records))
        return done

    async def _until_followed(self) -> None:
        """Wait until open connections of a device that is gone have been ended: its tunnel carries the news of that."""
        stamp = self._store.stamp
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FOLLOWED_WITHIN):
                while any(found != stamp for found in self._followers.values()):
                    self._followed.clear()
                    await self._followed.wait()

    async def _do[Result](self, what: Callable[[], Result]) -> Result:
        async with self._one_at_a_time:
            return await asyncio.to_thread(what)


def _traffic(record: DeviceRecord, seen: Mapping[str, Mapping[str, Any]]) -> Reply:
    return {"tunnel": seen.get(record.peer_key)} if record.peer_key else {}


def _ruled(rules: Membership, record: DeviceRecord) -> Reply:
    """Return the group that rules put a device into that nobody has put anywhere, as far as they ask for no network."""
    found = group_of_record(rules, record, record.address)
    return {"group_by_rules": found} if found != record.group else {}
