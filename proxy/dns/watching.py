"""What questions are signs of, for the bypass radar: a step of the chain that never answers. Nothing is judged here."""

from __future__ import annotations

from collections.abc import Callable

from indicators.observation import Device
from proxy.dns.asked import Asked, Outcome
from proxy.radar.watch import Watch
from proxy.radar.ways_out import way_out

_HANDED_ON = ("dot", "doh", "wireguard")  # their listeners are other processes, which hand each question on


class Watching:
    """Note who asks, and who asks for a way out. A name answered from what is ready was noted a moment ago."""

    def __init__(self, watch: Watch, seen: Callable[[Device], None]) -> None:
        self._watch = watch
        self._seen = seen

    def seen(self, device: Device) -> None:
        """Note that a device is alive, and pass that on; called about once a minute for each."""
        self._watch.dns(device)
        self._seen(device)

    def step(self, asked: Asked) -> Outcome | None:
        """Note the name of another resolver or VPN."""
        if asked.told:
            return None
        if asked.client.device.listener in _HANDED_ON:
            self._watch.dns(asked.client.device)
        if sign := way_out(asked.query.host):
            self._watch.sign(asked.client.device, sign, asked.query.host)
        return None
