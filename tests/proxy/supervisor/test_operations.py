"""Operations and the overlay's desk over a real control socket, with workers that hold what they are told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from indicators.indicator import Indicator, Origin
from indicators.words import Action, IndicatorType
from proxy.config.model import Config
from proxy.config_wire import from_wire
from proxy.control import ControlClient, ControlError
from proxy.control.server import ControlServer, Peer
from proxy.overlay_store import OverlayStore
from proxy.published_overlay import current_name
from proxy.supervisor import overlay_desk
from proxy.supervisor.operations import Operations
from proxy.supervisor.overlay_desk import OverlayDesk, Saved

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WAIVE: dict[str, Any] = {"nonce": "n", "device": "d", "host": "h.test", "indicator": "h.test", "seconds": 60}


class Floor:
    """Record what the operations tell the gateway."""

    def __init__(self) -> None:
        self.config = Config.model_validate({"proxy": {"port": 4242}})
        self.peers: list[Peer] = []
        self.bound: dict[str, str] = {}

    def joined(self, peer: Peer) -> None:
        self.peers.append(peer)

    def ready(self, peer: Peer, bound: Mapping[str, str]) -> None:
        self.bound |= {f"{peer.role}.{name}": address for name, address in bound.items()}

    def status(self) -> dict[str, Any]:
        return {"serving": True}

    def own_ports(self) -> list[int]:
        return [4242]

    def enforces(self, role: str) -> bool:
        return role != "collector"


class Scene:
    """A desk, a floor, and clients at the socket."""

    def __init__(self, folder: Path) -> None:
        self.floor = Floor()
        self.store = OverlayStore(folder / "overlay.sqlite")
        self.folder = folder
        self.desk = OverlayDesk(self.store, folder, lambda: NOW)
        operations = Operations(self.desk, self.floor, self.floor.status, lambda: NOW)
        self._leaving: list[asyncio.Task[None]] = []
        self.server = ControlServer(folder / "control", operations.handlers(), self._gone)
        self.clients: list[ControlClient] = []

    def _gone(self, peer: Peer) -> None:
        self._leaving.append(asyncio.get_running_loop().create_task(self.desk.left(peer)))

    def client(self) -> ControlClient:
        self.clients.append(ControlClient(self.folder / "control"))
        return self.clients[-1]

    async def worker(self, role: str = "resolver") -> ControlClient:
        client = self.client()
        await client.call("hello", role=role, pid=1)
        return client


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    made = Scene(tmp_path)
    await made.server.start()
    yield made
    for client in made.clients:
        await client.close()
    await made.server.stop()
    made.store.close()


async def test_a_worker_introduces_itself_and_gets_its_settings(scene: Scene) -> None:
    worker = scene.client()
    settings = await worker.call("hello", role="resolver", pid=1)
    assert from_wire(settings["config"]).proxy.port == 4242
    await worker.call("ready", bound={"dns": "127.0.0.1:53"})
    await worker.call("health", failures=3, lost=0, short_of_room=True, work=9)
    assert scene.floor.bound == {"resolver.dns": "127.0.0.1:53"}
    assert scene.floor.peers[0].facts == {"failures": 3, "lost": 0, "short_of_room": 1, "work": 9}
    assert scene.floor.peers[0].heard is not None


async def test_a_waiver_is_answered_when_every_worker_holds_it(scene: Scene) -> None:
    one, two = await scene.worker(), await scene.worker("inspector")
    await scene.worker("collector")  # enforces nothing, is not waited for
    asked = asyncio.create_task(scene.client().call("waive", **WAIVE))
    while not current_name(scene.folder):
        await asyncio.sleep(0.005)
    generation = scene.desk.overlay.generation
    await one.call("holding", generation=generation)
    assert not asked.done()
    await two.call("holding", generation=generation - 1)
    assert not asked.done()
    await two.call("holding", generation=generation)
    reply = await asked
    assert (reply["generation"], reply["until"]) == (generation, "2026-03-01T12:01:00+00:00")
    (waiver,) = scene.desk.overlay.waivers
    assert (waiver.device, waiver.host, waiver.until) == ("d", "h.test", NOW + timedelta(seconds=60))
    with pytest.raises(ControlError, match=r"^used$"):
        await scene.client().call("waive", **WAIVE)


async def test_a_worker_that_dies_is_not_waited_for(scene: Scene) -> None:
    worker = await scene.worker()
    asked = asyncio.create_task(scene.client().call("waive", **WAIVE))
    while not current_name(scene.folder):
        await asyncio.sleep(0.005)
    await worker.close()
    assert (await asked)["ok"]


async def test_a_worker_that_does_not_follow_is_named(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overlay_desk, "HOLD_TIMEOUT", 0.05)
    await scene.worker("inspector")
    with pytest.raises(ControlError, match="inspector did not take it over"):
        await scene.client().call("waive", **WAIVE)


async def test_what_daily_life_asks_for(scene: Scene) -> None:
    client = scene.client()
    await client.call("trust_ca", device="phone")
    before = scene.desk.overlay.generation
    await client.call("trust_ca", device="phone")
    assert scene.desk.overlay.generation == before
    assert scene.desk.overlay.trusted_devices == {"phone"}
    assert (await client.call("allow", host="a.test", seconds=3600))["until"] == "2026-03-01T13:00:00+00:00"
    assert "until" not in await client.call("allow", host="b.test")
    await client.call("add_indicator", entry={"block": "c.test"})
    assert [one.value for one in scene.desk.overlay.indicators] == ["a.test", "b.test", "c.test"]
    await client.call("remove_indicator", entry={"block": "c.test"})
    assert len(scene.desk.overlay.indicators) == 2
    assert (await client.call("pause", seconds=300))["until"] == "2026-03-01T12:05:00+00:00"
    assert scene.desk.overlay.paused_until == NOW + timedelta(minutes=5)
    await client.call("resume")
    assert scene.desk.overlay.paused_until is None
    assert (await client.call("status"))["serving"]
    assert (await client.call("own_ports"))["ports"] == [4242]


@pytest.mark.parametrize(
    ("op", "fields", "reason"),
    [
        ("hello", {}, "role: expected"),
        ("ready", {"bound": {}}, "say `hello` first"),
        ("ready", {"bound": ["x"]}, "bound: expected"),
        ("ready", {"bound": {"dns": 3}}, "bound: expected"),
        ("holding", {"generation": 1}, "say `hello` first"),
        ("health", {}, "say `hello` first"),
        ("waive", {**WAIVE, "seconds": 0}, "seconds: expected a whole number"),
        ("waive", {**WAIVE, "nonce": ""}, "nonce: expected"),
        ("waive", {**WAIVE, "device": 3}, "device: expected"),
        ("trust_ca", {"device": "x" * 200}, "device: expected"),
        ("allow", {"host": "not a host"}, "allow"),
        ("pause", {"seconds": "5m"}, "seconds: expected"),
        ("add_indicator", {"entry": "block evil"}, "entry: expected"),
        ("add_indicator", {"entry": {"blok": "evil.test"}}, "blok"),
    ],
)
async def test_bad_fields_are_named_and_change_nothing(
    scene: Scene, op: str, fields: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ControlError, match=reason):
        await scene.client().call(op, **fields)
    assert scene.desk.overlay.generation == 0


async def test_custom_indicators_are_published_beside_what_is_stored(scene: Scene) -> None:
    await scene.client().call("allow", host="a.test")
    custom = Indicator("yaml.test", IndicatorType.DOMAIN, Action.BLOCK, Origin("custom", custom=True))
    generation = await scene.desk.take(Saved((custom,)))
    assert [one.value for one in scene.desk.overlay.indicators] == ["yaml.test", "a.test"]
    assert current_name(scene.folder) == f"overlay-{generation}.json"


async def test_apps_that_pin_are_noted_listed_and_forgotten(scene: Scene) -> None:
    client = scene.client()
    noted = await client.call("pin", device="d", host="bank.test", ja4="t13d", name="phone")
    assert noted["until"] == "2026-03-02T12:00:00+00:00", "as long as policy.pinned_for"
    await client.call("pin", device="e", host="other.test", ja4="t13d")
    found = (await client.call("pins"))["pins"]
    assert [(pin["name"], pin["host"]) for pin in found] == [("phone", "bank.test"), ("", "other.test")]
    assert (await client.call("unpin", host="bank.test"))["removed"] == 1
    assert (await client.call("unpin"))["removed"] == 1
    assert (await client.call("pins"))["pins"] == []
    with pytest.raises(ControlError, match="host"):
        await client.call("pin", device="d", ja4="t13d")
