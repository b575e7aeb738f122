"""What the addons are given: the ports to the rest of the gateway. Nothing here is implemented by this room."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from addons.arrivals import Arrivals
from addons.held_bytes import HeldBytes
from addons.looked_into import Scanner
from addons.onboarding import Making
from addons.passing import Passing
from addons.private_reach import PrivateReach
from addons.refusals import App
from addons.scanning.outcome import ScanPolicy
from addons.sights import NoSights, Sights
from addons.waivers import Consent
from indicators.inspection import InspectLists
from indicators.observation import Address, Device
from indicators.ports import Policy, Reporter
from indicators.words import OnError, Visibility

if TYPE_CHECKING:
    from addons.asking import Asking

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


async def _nothing_given(address: str, device: Device) -> tuple[str, ...]:
    """Know of no names: a stock mitmproxy is not who answers them."""
    return ()


async def _pin_nothing(device: Device, app: App) -> None:
    """Remember nothing."""


@dataclass(frozen=True, slots=True)
class Services:
    """Hold what is injected. Callables that wait may raise: each caller says what then happens.

    `epoch` rises whenever `policy` may judge otherwise than before. `own_ports` returns every port that a process of
    this gateway listens on. `trust` tells that a device has completed a handshake under our CA. `waive` takes a
    person's consent and raises ValueError with a reason when it was used before. `authority` returns the CA
    certificate (PEM). `blocks_large` refuses named bodies that are longer than `hold_limit`, `held` bounds all that
    is withheld at the same time. `streams` says that bodies nobody asked for are passed on as they come; a stock
    mitmproxy keeps them for its other addons. `arrivals` tells what the front knew of a client that it handed over,
    `reach` which private destinations a client from beyond this machine may have. `scanner` looks into downloads,
    `scan` says into which and what follows; without one they are hashed only. `pinned` says whether an app is known
    to refuse our certificate, `pin` tells of one; `splices_pinned` lets it pass on hosts with listed URLs too. `ask`
    hands in a person's request for access and returns its status (`pending`, `approved`, `denied`); it raises
    ValueError with a reason, and without it pages have no such button. `opened` counts a connection that is
    decrypted, and why, `unseen` a download that passed though it was not looked into to its end; `sights` counts what
    is read in one. `handed_out` makes the files that the onboarding page offers beside the CA, by path. `passing`
    knows what passes at this moment. `given` tells the names that our DNS gave a device for an address, the newest
    first; it may raise OSError or ValueError.
    """

    policy: Policy
    epoch: Callable[[], int]
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
    held: HeldBytes = field(default_factory=HeldBytes)
    blocks_large: bool = False
    streams: bool = True
    passing: Passing = field(default_factory=Passing)
    arrivals: Arrivals = field(default_factory=Arrivals)
    pinned: Callable[[App], bool] = lambda app: False
    pin: Callable[[Device, App], Awaitable[None]] = _pin_nothing
    splices_pinned: bool = False
    opened: Callable[[Device, str], None] = lambda device, why: None
    given: Callable[[str, Device], Awaitable[tuple[str, ...]]] = _nothing_given
    unseen: Callable[[Device, str], None] = lambda device, why: None
    ask: Callable[[Asking], Awaitable[str]] | None = None
    reach: PrivateReach = field(default_factory=lambda: PrivateReach(()))
    scanner: Scanner | None = None
    handed_out: Mapping[str, Making] = field(default_factory=dict)
    scan: ScanPolicy = field(default_factory=ScanPolicy)
    sights: Sights = field(default_factory=NoSights)
    monotonic: Callable[[], float] = time.monotonic
