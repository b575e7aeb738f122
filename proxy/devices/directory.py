"""The device behind a connection: strong by what it showed (token, credentials, tunnel key), weak by its address.

Whoever shows something that is not known gets no device at all: falling back to the address would make a mistyped
token look right. Nothing is changed here.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from indicators.membership import Membership
from indicators.observation import Device
from indicators.words import IdentifiedBy
from proxy.devices.credentials import hashed, token_of
from proxy.devices.grouping import group_of_address, group_of_record
from proxy.devices.published import PublishedRegistry
from proxy.devices.record import DeviceRecord
from proxy.secrets import Secrets
from proxy.state import StateDir

_LOOPBACK = "127.0.0.1"
_REMEMBERED = 4096  # devices
_NO_RULES = Membership()


class DeviceDirectory:
    """Give the same device for the same client address at every listener of this configuration.

    DNS, HTTP and SOCKS are one listener group, so an emulator that comes through all three is one device. All
    loopback addresses are one device too: `127.0.0.1`, `::1` and IPv4-mapped forms. `rules` gives those of device
    groups that hold now, the same object until they change.
    """

    def __init__(
        self,
        installation_id: str,
        registry: PublishedRegistry | None = None,
        key: bytes = b"",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        rules: Callable[[], Membership] = lambda: _NO_RULES,
    ) -> None:
        self._clock = clock
        self._installation = installation_id
        self._rules_now = rules
        self._rules = rules()
        self._other_rules = 0  # times
        self._registry = registry
        self._key = key
        self._device = lru_cache(maxsize=_REMEMBERED)(self._make)

    @classmethod
    def of(
        cls, state: StateDir, secrets: Secrets, rules: Callable[[], Membership] = lambda: _NO_RULES
    ) -> DeviceDirectory:
        """Return the directory of an installation, registry included."""
        return cls(secrets.installation_id, PublishedRegistry(state.devices), secrets.device_key, rules=rules)

    @property
    def has_devices(self) -> bool:
        """Say whether any device was ever registered."""
        return bool(self._registry and self._registry.current().records)

    @property
    def changes(self) -> int:
        """Return a number that is another one whenever a device was added, changed or revoked, or rules are others."""
        self._follow_rules()
        if self._registry is None:
            return self._other_rules
        self._registry.current()
        return self._other_rules + self._registry.changes

    @property
    def rules(self) -> Membership:
        """Return the rules of device groups that hold now, the same object until they change."""
        self._follow_rules()
        return self._rules

    @property
    def stamp(self) -> str:
        """Name the registry in force (see `published.stamp_of`)."""
        return self._registry.stamp if self._registry else ""

    def knows(self, device: Device) -> bool:
        """Say whether a device is still known; one that is known by its address alone always is."""
        if self._registry is None or device.identified_by is IdentifiedBy.ADDRESS:
            return True
        return device.id in self._registry.current().by_id

    def by_token(self, token: str, address: str, listener: str) -> Device | None:
        """Return the device whose DoH or DoT token this is; None for an unknown, revoked or malformed one."""
        clean = token_of(token)
        if self._registry is None or not clean:
            return None
        secret = hashed(self._key, clean)
        found = self._registry.current().by_token.get(secret)
        known = found is not None and found.has(secret, self._clock())
        return self._strong(found, IdentifiedBy.TOKEN, address, listener) if found and known else None

    def by_credentials(self, user: str, password: str, address: str, listener: str) -> Device | None:
        """Return the device with this proxy user and password; None for a wrong, unknown or revoked one."""
        found = self._registry.current().by_user.get(user) if self._registry else None
        secret = hashed(self._key, password)
        kept = (found.lent_password if user == found.lent_user else found.password) if found else ""
        if found is None or not hmac.compare_digest(kept, secret) or not found.has(secret, self._clock()):
            return None
        return self._strong(found, IdentifiedBy.CREDENTIAL, address, listener)

    def by_peer_key(self, key: str, address: str, listener: str) -> Device | None:
        """Return the device with this WireGuard public key, or None."""
        found = self._registry.current().by_peer_key.get(key) if self._registry and key else None
        return self._strong(found, IdentifiedBy.WIREGUARD, address, listener) if found else None

    def by_peer_address(self, address: str, listener: str) -> Device | None:
        """Return the device with this address inside the tunnel, or None.

        Only for listeners that nobody but the tunnel reaches: there an address is as good as the key that it is bound
        to (WireGuard's AllowedIPs), anywhere else it could be anybody's.
        """
        found = self._registry.current().by_peer_address.get(_one_spelling(address)) if self._registry else None
        return self._strong(found, IdentifiedBy.WIREGUARD, address, listener) if found else None

    def weak(self, address: str, listener: str) -> Device:
        """Return the device behind a client address, as seen by `listener` (`dns`, `http`, `socks`, ...)."""
        self._follow_rules()
        return self._device(address, listener)

    def _follow_rules(self) -> None:
        now = self._rules_now()
        if now is not self._rules:
            self._rules = now
            self._other_rules += 1
            self._device.cache_clear()

    def _make(self, address: str, listener: str) -> Device:
        one = _one_spelling(address)
        digest = hashlib.sha256(f"{self._installation}\0address\0{one}".encode()).hexdigest()
        name = "this computer and its emulators" if one == _LOOPBACK else one
        return Device(
            id=digest[:32],
            name=name,
            group=group_of_address(self._rules, name, one),
            identified_by=IdentifiedBy.ADDRESS,
            address=one,
            listener=listener,
        )

    def _strong(self, record: DeviceRecord, by: IdentifiedBy, address: str, listener: str) -> Device:
        one = _one_spelling(address)
        return Device(record.id, record.name, group_of_record(self.rules, record, one), by, one, listener)


def _one_spelling(address: str) -> str:
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return _LOOPBACK if found.is_loopback else str(found)
