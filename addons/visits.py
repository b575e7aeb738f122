"""What is remembered of one client connection while it lasts: who, where to, which addresses were judged.

Written by the addons of each stage, read by the later ones. A visit decides nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from mitmproxy import connection

from addons.arrivals import Arrivals
from addons.begun import Begun
from addons.refusals import App
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
    `told` holds the incidents of what passed although something was met. A `guarded` client came from beyond this
    machine. `opened` is the app whose connection is being decrypted although nothing stops it. `begun` is the answer
    to the first request, where the front had begun to serve it; `asked` is set once that request was seen. `vouched`
    says of connections to servers by which epoch of the policy nothing was known of the server's certificate, and with
    which hosts it was judged.
    """

    device: Device
    reserved: bool = False
    stopped: Judgement | None = None
    settled: bool = False
    user_agent: str = ""
    cleared: dict[tuple[str, int], Place] = field(default_factory=dict)
    told: dict[tuple[str, str], str] = field(default_factory=dict)
    guarded: bool = False
    opened: App | None = None
    begun: Begun | None = None
    asked: bool = False
    vouched: dict[str, tuple[int, tuple[str, ...]]] = field(default_factory=dict)

    def next_request(self) -> None:
        """Note a request. What was begun is the answer to the first one, and never to a later one."""
        if self.asked and self.begun:
            self.begun.close()
            self.begun = None
        self.asked = True


class Visits:
    """Hold the visits of all open client connections."""

    def __init__(
        self,
        device_of: Callable[[str, str], Device],
        arrivals: Arrivals | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._device_of = device_of
        self._monotonic = monotonic
        self._arrivals = Arrivals() if arrivals is None else arrivals
        self._open: dict[str, Visit] = {}

    def of(self, client: connection.Client) -> Visit:
        """Return the visit of a client connection, begun at the first question about it."""
        found = self._open.get(client.id)
        if found is None:
            found = self._open[client.id] = self._begun(client)
        return found

    def _begun(self, client: connection.Client) -> Visit:
        arrival = self._arrivals.of(client.id)
        if arrival is None:
            mode = client.proxy_mode.type_name
            return Visit(self._device_of(str(client.peername[0]), _LISTENERS.get(mode, mode)))
        visit = Visit(arrival.device, guarded=arrival.guarded, begun=arrival.begun)
        if arrival.addresses:  # the front has judged them a moment ago; they are judged again, not looked up again
            visit.cleared[arrival.host, arrival.port] = Place(arrival.addresses, (), self._monotonic())
        return visit

    def end(self, client: connection.Client) -> Visit | None:
        """Forget a connection and return what was known of it."""
        return self._open.pop(client.id, None)

    def __len__(self) -> int:
        return len(self._open)
