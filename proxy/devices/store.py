"""Change the registry: add, rename, move, revoke, give new credentials. The supervisor's alone; each change is whole.

A method returns when the file has been replaced, and from then on every process knows it (see `published.py`).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from indicators.membership import DEFAULT_GROUP
from proxy.devices import published
from proxy.devices.credentials import NewCredentials, hashed, new_credentials
from proxy.devices.record import (
    MAX_NAME,
    DeviceRecord,
    checked_group,
    checked_name,
    checked_tags,
)
from proxy.devices.seats import Seats

MAX_DEVICES = 10_000


class DeviceStore:
    """Keep the devices of one installation. One thread at a time. With `seats` devices get a place in the tunnel."""

    def __init__(self, path: Path, key: bytes, clock: Callable[[], datetime], seats: Seats | None = None) -> None:
        self._path = path
        self._seats = seats
        self._key = key
        self._clock = clock

    @property
    def stamp(self) -> str:
        """Name the registry as it stands (see `published.stamp_of`)."""
        return published.stamp_of(self._path)

    def records(self) -> tuple[DeviceRecord, ...]:
        """Return all devices in the order of their adding. Raises ValueError when the file is damaged."""
        return published.read(self._path).records if self._path.exists() else ()

    def add(self, name: str, group: str = DEFAULT_GROUP, peer_key: str = "") -> tuple[DeviceRecord, NewCredentials]:
        """Add a device with credentials of its own, and a place in the tunnel for `peer_key`.

        Raises ValueError for a name or group that cannot be, another's key, or where no place is left.
        """
        records = self.records()
        name, group = _free(checked_name(name), records), checked_group(group)
        if len(records) >= MAX_DEVICES:
            raise ValueError(f"there are {MAX_DEVICES} devices already: revoke some")
        made = DeviceRecord(secrets.token_hex(16), name, self._clock(), group)
        given = new_credentials(made.id)
        made = self._seated(self._with(made, given), peer_key, records)
        published.write(self._path, (*records, made))
        return made, given

    def find(self, who: str) -> DeviceRecord:
        """Return a device by its name, in any letter case, or id. Raises ValueError for nobody's."""
        for record in self.records():
            if who in (record.id, record.name) or record.name.casefold() == who.casefold():
                return record
        raise ValueError(f"no device is called {who!r:.80}; `seawall devices list` names them")

    def rename(self, who: str, name: str) -> DeviceRecord:
        """Give a device another name; its id, and so its history, stays."""
        found = self.find(who)
        others = [one for one in self.records() if one.id != found.id]
        return self._put(replace(found, name=_free(checked_name(name), others)))

    def move(self, who: str, group: str) -> DeviceRecord:
        """Put a device into another group."""
        return self._put(replace(self.find(who), group=checked_group(group)))

    def tag(self, who: str, tags: Sequence[str], platform: str | None = None) -> DeviceRecord:
        """Replace what is said of a device: its tags, and its platform where one is given."""
        found = self.find(who)
        said = found.platform if platform is None else platform.strip().casefold()[:MAX_NAME]
        return self._put(replace(found, tags=checked_tags(tags), platform=said))

    def rotate(self, who: str, peer_key: str = "") -> tuple[DeviceRecord, NewCredentials]:
        """Give a device a new token and password, and its place in the tunnel to `peer_key`; the old ones end."""
        found = self.find(who)
        given = new_credentials(found.id)
        return self._put(self._seated(self._with(found, given), peer_key, self.records())), given

    def lend(self, who: str, lasts: timedelta) -> tuple[DeviceRecord, NewCredentials]:
        """Give out a second token and password of a device for a while; its own stay as they are.

        A loan before ends: there is one at a time.
        """
        found = self.find(who)
        given = new_credentials(found.id)
        token, password = (hashed(self._key, secret) for secret in (given.token, given.password))
        until = (self._clock() + lasts).isoformat(timespec="seconds")
        lent = replace(found, lent_token=token, lent_password=password, lent_until=until)
        return self._put(lent), replace(given, user=lent.lent_user)

    def take_back(self, who: str) -> DeviceRecord:
        """End a loan; harmless when there is none."""
        return self._put(replace(self.find(who), lent_token="", lent_password="", lent_until=""))

    def give_peer_key(self, who: str, key: str) -> DeviceRecord:
        """Note a device's WireGuard public key; an empty one takes it away, with its place in the tunnel.

        Raises ValueError for another's key, or where no place is left.
        """
        found = self.find(who)
        if not key:
            return self._put(replace(found, peer_key="", address="", address6="", tunnel_port=0))
        return self._put(self._seated(found, key, self.records()))

    def revoke(self, who: str) -> DeviceRecord:
        """Forget a device: from now on nothing that it shows is known."""
        found = self.find(who)
        published.write(self._path, [one for one in self.records() if one.id != found.id])
        return found

    def _with(self, record: DeviceRecord, given: NewCredentials) -> DeviceRecord:
        token, password = (hashed(self._key, secret) for secret in (given.token, given.password))
        return replace(record, token=token, user=given.user, password=password)

    def _seated(self, record: DeviceRecord, key: str, records: Sequence[DeviceRecord]) -> DeviceRecord:
        if not key:
            return record
        others = [one for one in records if one.id != record.id]
        if any(one.peer_key == key for one in others):
            raise ValueError("another device has this key")
        seated = self._seats.seated(record, others) if self._seats else record
        return replace(seated, peer_key=key)

    def _put(self, changed: DeviceRecord) -> DeviceRecord:
        published.write(self._path, [changed if one.id == changed.id else one for one in self.records()])
        return changed


def _free(name: str, others: tuple[DeviceRecord, ...] | list[DeviceRecord]) -> str:
    if any(one.name.casefold() == name.casefold() for one in others):
        raise ValueError(f"another device is called {name!r}")
    return name
