"""What the addons are given: the ports to the rest of the gateway. Nothing here is implemented by this room."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from addons.waivers import Consent
from indicators.inspection import InspectLists
from indicators.observation import Address, Device
from indicators.ports import Policy, Reporter
from indicators.words import OnError, Visibility

HOLD_LIMIT = 32 * 1024 * 1024  # bytes of a body that is withheld until its hash has been judged


class Found(Protocol):
    """Hold what a name led to. When `blocked`, `refused` are the addresses that were judged, `reason` says why."""

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Return addresses that may be connected to."""
        ...

    @property
    def chain(self) -> tuple[str, ...]:
        """Return the names that the answer went through."""
        ...

    @property
    def refused(self) -> tuple[Address, ...]:
        """Return the addresses for whose sake the name is blocked."""
        ...

    @property
    def blocked(self) -> bool:
        """Say whether the resolver's own verdict is a block."""
        ...

    @property
    def reason(self) -> str:
        """Return why, for people."""
        ...

    @property
    def error(self) -> str:
        """Return a word when there is no address: `nxdomain`, `nodata`, `servfail`, `refused`, `bad_name`."""
        ...


class Names(Protocol):
    """Look names up. Raises OSError or TimeoutError when nobody answers."""

    async def lookup(self, host: str, device: Device, reach: Visibility = Visibility.URL) -> Found:
        """Return what a canonical host leads to."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """Hold what is injected. Callables that wait may raise: each caller says what then happens.

    `own_ports` returns every port that a process of this gateway listens on. `trust` tells that a device has completed
    a handshake under our CA. `waive` takes a person's consent and raises ValueError with a reason when it was used
    before. `authority` returns the CA certificate (PEM). `streams` says that bodies nobody asked for are passed on as
    they come; a stock mitmproxy keeps them for its other addons.
    """

    policy: Policy
    reporter: Reporter
    names: Names
    device_of: Callable[[str, str], Device]  # client address, listener
    own_ports: Callable[[], Awaitable[frozenset[int]]]
    trust: Callable[[Device], Awaitable[None]]
    waive: Callable[[Consent], Awaitable[None]]
    authority: Callable[[], bytes]
    clock: Callable[[], datetime]
    waiver_key: bytes = field(repr=False)
    lists: InspectLists = field(default_factory=InspectLists)
    on_error: OnError = OnError.CLOSED
    waived_for: timedelta = timedelta(hours=24)
    hold_limit: int = HOLD_LIMIT
    streams: bool = True
    monotonic: Callable[[], float] = time.monotonic
