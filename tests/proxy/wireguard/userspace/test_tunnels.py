"""Tunnels are opened, closed and changed one by one; the rest is never touched."""

from __future__ import annotations

from dataclasses import replace

from indicators.observation import Device
from proxy.wireguard.userspace.device_tunnel import TunnelSpec
from proxy.wireguard.userspace.tunnels import Tunnels


class FakeTunnel:
    """Note what is done with it."""

    def __init__(self, spec: TunnelSpec, log: list[str], fails: dict[str, Exception]) -> None:
        self.spec = spec
        self.port = 0
        self._log = log
        self._fails = fails

    async def start(self) -> None:
        if (problem := self._fails.get(f"start {self.spec.device.id}")) is not None:
            raise problem
        self.port = self.spec.port
        self._log.append(f"start {self.spec.device.id}")

    async def stop(self) -> None:
        self._log.append(f"stop {self.spec.device.id}")
        if (problem := self._fails.get(f"stop {self.spec.device.id}")) is not None:
            raise problem


def made() -> tuple[Tunnels, list[str], dict[str, Exception], dict[str, Device]]:
    log: list[str] = []
    fails: dict[str, Exception] = {}
    devices: dict[str, Device] = {}

    async def cut(device: str) -> None:
        log.append(f"cut {device}")

    return Tunnels(lambda spec: FakeTunnel(spec, log, fails), cut, devices), log, fails, devices


def spec(name: str, port: int, key: str = "k") -> TunnelSpec:
    return TunnelSpec(Device(name, name), port, "server", key)


ANNA, BEN = spec("anna", 1001), spec("ben", 1002)


async def test_only_what_changes_is_touched() -> None:
    tunnels, log, _, devices = made()
    await tunnels.apply([ANNA, BEN])
    assert log == ["start anna", "start ben"]
    assert tunnels.ports() == {"anna": 1001, "ben": 1002}
    log.clear()
    await tunnels.apply([replace(ANNA, device=Device("anna", "Anna's new phone")), BEN, spec("cleo", 1003)])
    assert log == ["start cleo"]
    assert devices["anna"].name == "Anna's new phone", "a new name counts for what comes from now on"
    log.clear()
    await tunnels.apply([BEN, spec("cleo", 1003)])
    assert log == ["cut anna", "stop anna", "cut anna"]
    assert "anna" not in devices
    log.clear()
    await tunnels.apply([BEN, spec("cleo", 1003, "another key")])
    assert log == ["cut cleo", "stop cleo", "cut cleo", "start cleo"]
    await tunnels.close()
    assert tunnels.ports() == {}
    assert devices == {}


async def test_one_that_cannot_be_opened_is_its_own_problem_until_it_can_or_is_no_longer_wanted() -> None:
    tunnels, log, fails, _ = made()
    fails["start anna"] = OSError("in use")
    fails["start ben"] = ValueError("Invalid key.")
    await tunnels.apply([ANNA, BEN, spec("cleo", 1003)])
    assert log == ["start cleo"]
    assert "UDP port 1001: in use" in tunnels.problems["anna"]
    del fails["start anna"]
    await tunnels.apply([ANNA, spec("cleo", 1003)])
    assert tunnels.problems == {}
    assert set(tunnels.ports()) == {"anna", "cleo"}


async def test_one_that_does_not_close_in_time_is_given_up() -> None:
    tunnels, log, fails, _ = made()
    await tunnels.apply([ANNA])
    fails["stop anna"] = TimeoutError()
    await tunnels.apply([BEN])
    assert set(tunnels.ports()) == {"ben"}
    assert log[-2:] == ["cut anna", "start ben"]
