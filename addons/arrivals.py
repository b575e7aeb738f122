"""What the connection front knew of a client before it handed the connection over: who it is, and where it was going.

Written by whoever takes connections over, before mitmproxy sees them; read by `visits.py`. Nothing that a client sends
can change it.
"""

from __future__ import annotations

from dataclasses import dataclass

from addons.begun import Begun
from indicators.observation import Address, Device


@dataclass(frozen=True, slots=True)
class Arrival:
    """Hold one hand-over. With a `host`, `addresses` are those that were judged for it a moment ago.

    A `guarded` client came from beyond this machine, and may not reach private destinations. `begun` is the answer of
    a server to the client's first request, where the front had begun to serve it.
    """

    device: Device
    host: str = ""
    port: int = 0
    addresses: tuple[Address, ...] = ()
    guarded: bool = False
    begun: Begun | None = None


class Arrivals:
    """Hold the arrivals of open client connections, by mitmproxy's id of the client."""

    def __init__(self) -> None:
        self._known: dict[str, Arrival] = {}

    def note(self, client: str, arrival: Arrival) -> None:
        """Keep what was handed over with a client, before its first hook runs."""
        self._known[client] = arrival

    def of(self, client: str) -> Arrival | None:
        """Return what was handed over with a client; nothing for one that mitmproxy itself accepted."""
        return self._known.get(client)

    def forget(self, client: str) -> None:
        """Forget a client whose connection is over."""
        arrival = self._known.pop(client, None)
        if arrival and arrival.begun:
            arrival.begun.close()

    def __len__(self) -> int:
        return len(self._known)
