"""Judge where a device's datagrams want to go, by the address alone: there is no name in them that could be read.

The same judging, own ports and private networks as for TCP (`addons/`); passing them on is another's.
"""

from __future__ import annotations

from typing import Protocol

from addons.enforcement import Enforcer
from addons.judging import Judging
from addons.own_ports import OwnPorts
from addons.services import Services
from addons.visits import Judgement, Visit
from indicators.observation import Address, Device, Observation
from indicators.words import Stage, Visibility


class Gate(Protocol):
    """Decide on one destination of datagrams."""

    async def lets_pass(self, device: Device, to: Address, port: int) -> bool:
        """Judge, and report what was met."""
        ...


class DatagramGate:
    """Judge by the addons' own parts."""

    def __init__(self, services: Services) -> None:
        self._judging = Judging(services, OwnPorts(services.own_ports, services.monotonic))
        self._enforcer = Enforcer(services)

    async def lets_pass(self, device: Device, to: Address, port: int) -> bool:
        """Judge a destination for a device that comes from beyond this machine; what is stopped is reported."""
        visit = Visit(device, guarded=True)
        judged: Judgement = await self._judging.examine(visit, seen_of(device, to, port), str(to), port)
        if judged.stops:
            self._enforcer.reset(visit, judged)
            return False
        self._enforcer.passed(visit, judged)
        return True


def seen_of(device: Device, to: Address, port: int) -> Observation:
    """Return what is seen of datagrams: own ports and private networks, which do not change, are no part of it."""
    return Observation(Stage.CONNECTION, device, addresses=(to,), port=port, reach=Visibility.SNI, can_show_page=False)
