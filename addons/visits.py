"""What is remembered of one client connection while it lasts: who, where to, which addresses were judged.

Written by the addons of each stage, read by the later ones. A visit decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from mitmproxy import connection

from indicators.observation import Address, Device, Observation
from indicators.verdict import Verdict

_LISTENERS = {"regular": "http", "upstream": "http", "socks5": "socks"}  # other modes are called as mitmproxy does


@dataclass(frozen=True, slots=True)
class Judgement:
    """Join an observation with its verdict. `own_port` marks a destination that is a port of the gateway itself."""

    seen: Observation
    verdict: Verdict
    own_port: bool = False

    @property
    def stops(self) -> bool:
        """Say whether the connection may not go on as it is."""
        return self.verdict.stops


@dataclass(frozen=True, slots=True)
class Place:
    """Hold where a host leads: judged addresses, the names on the way, and when (monotonic seconds)."""

    addresses: tuple[Address, ...]
    chain: tuple[str, ...]
    at: float


@dataclass(slots=True)
class Visit:
    """Hold one client connection.

    `stopped` is set when the whole connection is to be answered with a page and nothing of it may pass; `settled` when
    that has been reported. `cleared` holds the places whose verdict lets this device connect, by host and port.
    `told` holds the incidents of what passed although something was met.
    """

    device: Device
    reserved: bool = False
    stopped: Judgement | None = None
    settled: bool = False
    user_agent: str = ""
    cleared: dict[tuple[str, int], Place] = field(default_factory=dict)
    told: dict[tuple[str, str], str] = field(default_factory=dict)


class Visits:
    """Hold the visits of all open client connections."""

    def __init__(self, device_of: Callable[[str, str], Device]) -> None:
        self._device_of = device_of
        self._open: dict[str, Visit] = {}

    def of(self, client: connection.Client) -> Visit:
        """Return the visit of a client connection, begun at the first question about it."""
        found = self._open.get(client.id)
        if found is None:
            mode = client.proxy_mode.type_name
            device = self._device_of(str(client.peername[0]), _LISTENERS.get(mode, mode))
            found = self._open[client.id] = Visit(device)
        return found

    def end(self, client: connection.Client) -> Visit | None:
        """Forget a connection and return what was known of it."""
        return self._open.pop(client.id, None)

    def __len__(self) -> int:
        return len(self._open)
