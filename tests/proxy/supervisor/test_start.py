"""How a gateway of stub roles starts, fails to start and stops, in this process."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from proxy.config.load import load_config
from proxy.control.server import Peer
from proxy.roles import Role
from proxy.supervisor import child, starting
from proxy.supervisor.gateway import Gateway
from proxy.supervisor.ports import PortError
from proxy.supervisor.recycling import Told
from proxy.supervisor.starting import StartError, kept_running
from tests.support.gateway import CONFIG, wait_for
from tests.support.resolver import until

pytestmark = pytest.mark.timeout(120)


def role(serve: str) -> Role:
    return Role("collector", f"tests.proxy.supervisor.stub_roles:{serve}", enforces=False)


def make(folder: Path, serve: str, host: str = "127.0.0.1", **options: Any) -> Gateway:
    path = folder / "config.yaml"
    here = CONFIG.replace("socks_port: 0", "socks_port: 0, allow_clients: [192.0.2.0/24]")
    path.write_text(here.format(state=folder / "state").replace("host: 127.0.0.1", f"host: {host}"))
    return Gateway(load_config(path), roles=[role(serve)], **options)


async def test_it_serves_until_told_to_stop(tmp_path: Path) -> None:
    shown: list[Mapping[str, Any]] = []
    made = make(tmp_path, "listening", started=shown.append)
    stopping = asyncio.Event()
    running = asyncio.create_task(made.run(stopping))
    await wait_for(lambda: shown or running.done(), 60)
    assert made.state.endpoints.exists()
    assert shown[0]["serving"]
    stopping.set()
    await running
    assert not made.state.endpoints.exists()
    make(tmp_path, "listening").release()  # the lock is free again


@pytest.mark.parametrize(
    ("serve", "words"), [("failing", "the port is haunted"), ("giving_up", "it said nothing|collector does not start")]
)
async def test_a_role_that_cannot_start_is_told_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serve: str, words: str
) -> None:
    monkeypatch.setattr(child, "_WAITS", (0.0,))
    monkeypatch.setattr(starting, "_GIVE_UP", 1)
    made = make(tmp_path, serve)
    with pytest.raises(StartError, match=words):
        await made.run(asyncio.Event())
    assert not made.state.endpoints.exists()


async def test_a_role_that_is_never_ready_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "START_TIMEOUT", 0.2)
    with pytest.raises(StartError, match="not ready after 0 s: collector"):
        await make(tmp_path, "deaf").run(asyncio.Event())


async def test_a_stop_while_starting_is_obeyed(tmp_path: Path) -> None:
    stopping = asyncio.Event()
    made = make(tmp_path, "deaf")
    running = asyncio.create_task(made.run(stopping))
    await until(lambda: made._running)
    stopping.set()
    await asyncio.wait_for(running, 20)


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ("{host: 127.0.0.1, port: 0}", r"http://127\.0\.0\.1:\d+"),
        ("{host: 0.0.0.0, port: 0}", r"http://127\.0\.0\.1:\d+"),
        ("{url: 'https://collector.example/x'}", r"https://collector\.example/x"),
    ],
)
def test_where_events_go(tmp_path: Path, settings: str, url: str) -> None:
    path = tmp_path / "config.yaml"
    config = CONFIG.format(state=tmp_path / "state").replace("{host: 127.0.0.1, port: 0}\n", f"{settings}\n")
    path.write_text(config)
    made = Gateway(load_config(path))
    assert re.fullmatch(url, made.roster.collector_url())
    roles = [each.role.name for each in made.roster.children]
    assert ("collector" in roles) is ("collector.example" not in settings)
    made.release()


async def test_a_part_that_fails_does_not_end_the_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "_AGAIN", 0.001)
    tries: list[int] = []

    async def part() -> None:
        tries.append(1)
        if len(tries) == 1:
            raise RuntimeError("broke")

    running = asyncio.create_task(kept_running(part))
    await wait_for(lambda: len(tries) >= 3)
    running.cancel()


def test_ports_that_cannot_be_had_leave_the_state_directory_free(tmp_path: Path) -> None:
    with pytest.raises(PortError):
        make(tmp_path, "listening", host="192.0.2.1")
    make(tmp_path, "listening").release()


def test_what_workers_told_of_themselves_is_known_with_its_time(tmp_path: Path) -> None:
    made = make(tmp_path, "listening")
    assert made.roster.told("inspector") is None
    made.roster.joined(Peer(1, 0, "inspector"))
    assert made.roster.told("inspector") is None
    made.roster.joined(Peer(1, 0, "inspector", {"work": 7}, heard=5.0))
    assert made.roster.told("inspector") == Told(5.0, 7)
    made.release()


def test_what_workers_complain_of_is_among_the_errors(tmp_path: Path) -> None:
    made = make(tmp_path, "listening")
    made.roster.joined(Peer(1, 0, "resolver", {"failures": 3, "lost": 0, "short_of_room": 0}))
    made.roster.joined(Peer(1, 0, "inspector", {"failures": 0, "lost": 7, "short_of_room": 1}))
    errors = made.status()["errors"]
    assert [error.split(";")[0] for error in errors] == [
        "resolver: 3 judgements failed",
        "inspector: 7 events could not be kept",
        "inspector: the event spool cannot grow",
    ]
    made.release()
