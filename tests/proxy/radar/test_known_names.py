"""Connections to addresses, beside what our DNS gave: unnamed ones, names that contradict, and a silent resolver."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from indicators.coverage import Sign
from indicators.observation import Device
from proxy.radar import known_names
from proxy.radar.known_names import KnownNames
from proxy.radar.signs import Signs
from tests.proxy.front.test_watching import PHONE, Counting

GIVEN = {"8.8.8.8": ("given.example", "older.example")}


class Resolver:
    """Tell what was given, or fail; `asked` counts questions."""

    def __init__(self) -> None:
        self.asked = 0
        self.problem: Exception | None = None

    async def names(self, address: str, device: Device) -> tuple[str, ...]:
        self.asked += 1
        await asyncio.sleep(0)
        if self.problem:
            raise self.problem
        return GIVEN.get(address, ())


class Scene:
    """Hold the parts."""

    def __init__(self, folder: Path) -> None:
        self.watch = Counting(folder)
        self.resolver = Resolver()
        self.known = KnownNames(Signs(self.watch), self.resolver)

    async def signs(self) -> list[tuple[Sign, str]]:
        await asyncio.gather(*self.known._asking)
        return self.watch.signs


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


@pytest.mark.parametrize(
    ("host", "signs"),
    [
        ("8.8.8.8", []),
        ("9.9.9.9", [(Sign.UNNAMED, "9.9.9.9")]),
        ("192.168.1.1", []),  # private: nobody asks for a printer's name
        ("www.example", []),
    ],
)
async def test_an_address_for_which_no_name_was_given(scene: Scene, host: str, signs: list[tuple[Sign, str]]) -> None:
    scene.known.arrived(PHONE, host, 443)
    assert await scene.signs() == signs
    assert scene.watch.connections == 1
    assert scene.resolver.asked == (host != "www.example")


@pytest.mark.parametrize(
    ("dial", "name", "contradicts", "signs"),
    [
        ("8.8.8.8", "given.example", False, []),
        ("8.8.8.8", "older.example", False, []),
        ("8.8.8.8", "hidden.example", False, [(Sign.MISMATCH, "hidden.example")]),
        ("9.9.9.9", "hidden.example", False, []),  # no name was given that it could contradict
        ("www.example", "hidden.example", True, [(Sign.MISMATCH, "hidden.example")]),
        ("hidden.example", "hidden.example", False, []),
    ],
)
async def test_a_hello_that_contradicts_what_was_given(
    scene: Scene, dial: str, name: str, contradicts: bool, signs: list[tuple[Sign, str]]
) -> None:
    scene.known.said(PHONE, name, contradicts=contradicts, ech=False, dial=dial)
    assert await scene.signs() == signs


async def test_what_is_within_a_connection_is_told_as_it_is(scene: Scene) -> None:
    scene.known.came(PHONE, "9.9.9.9", 443)
    scene.known.named(PHONE, "us1.nordvpn.com")
    assert await scene.signs() == [(Sign.OTHER_VPN, "us1.nordvpn.com")]
    assert (scene.watch.connections, scene.resolver.asked) == (1, 0)


@pytest.mark.parametrize("problem", [OSError("away"), ValueError("no address")])
async def test_a_resolver_that_does_not_say_accuses_nobody(scene: Scene, problem: Exception) -> None:
    scene.resolver.problem = problem
    scene.known.arrived(PHONE, "9.9.9.9", 443)
    scene.known.said(PHONE, "hidden.example", contradicts=False, ech=False, dial="9.9.9.9")
    assert await scene.signs() == []
    assert scene.watch.connections == 1


async def test_where_too_many_wait_signs_are_noted_without_names(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_names, "_AT_ONCE", 0)
    scene.known.arrived(PHONE, "9.9.9.9", 443)
    scene.known.said(PHONE, "hidden.example", contradicts=False, ech=False, dial="8.8.8.8")
    assert (await scene.signs(), scene.watch.connections, scene.resolver.asked) == ([], 1, 0)
