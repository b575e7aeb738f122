"""Remember which names each client was given an address for: what a connection that shows no name most likely wants.

Bounded: the clients longest without an answer are forgotten first, and of each client the oldest addresses. An entry
outlives its answer's TTL, because clients do: it is good for ten minutes at least. A hint, never proof: a client may
connect to any address.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from indicators.observation import Address, Device

_MAX_CLIENTS = 4096
_MAX_ADDRESSES = 512  # of one client
_MAX_NAMES = 4  # of one address
_AT_LEAST = 600.0  # seconds

type _Names = dict[str, float]  # name -> until when it counts, the newest last


class GivenNames:
    """Note answers, and find the names for an address. `now` gives seconds of any steady clock."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._clients: OrderedDict[str, OrderedDict[Address, _Names]] = OrderedDict()

    def note(self, device: Device, name: str, addresses: tuple[Address, ...], ttl: int) -> None:
        """Remember that this client was told that a name has these addresses. `ttl` is in seconds."""
        until = self._now() + max(ttl, _AT_LEAST)
        for client in _keys(device):
            known = self._of(client)
            for address in addresses:
                _remember(known, address, name, until)

    def names(self, device: Device, address: Address) -> tuple[str, ...]:
        """Return the names that this client, or its address, was given `address` for, the newest first."""
        now = self._now()
        found: dict[str, None] = {}
        for client in _keys(device):
            known = self._clients.get(client)
            names = known.get(address, {}) if known else {}
            found.update(dict.fromkeys(name for name, until in reversed(names.items()) if until > now))
        return tuple(found)[:_MAX_NAMES]

    def _of(self, client: str) -> OrderedDict[Address, _Names]:
        known = self._clients.get(client)
        if known is None:
            known = self._clients[client] = OrderedDict()
            if len(self._clients) > _MAX_CLIENTS:
                self._clients.popitem(last=False)
        else:
            self._clients.move_to_end(client)
        return known


def _keys(device: Device) -> tuple[str, ...]:
    """Name a client by its id, and by its address: it may ask by token and connect without one."""
    return (device.id, f"@{device.address}") if device.address else (device.id,)


def _remember(known: OrderedDict[Address, _Names], address: Address, name: str, until: float) -> None:
    names = known.setdefault(address, {})
    known.move_to_end(address)
    if len(known) > _MAX_ADDRESSES:
        known.popitem(last=False)
    until = max(until, names.pop(name, 0.0))
    names[name] = until
    if len(names) > _MAX_NAMES:
        del names[next(iter(names))]
