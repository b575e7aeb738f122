"""Following: a real collector, a real overlay store and desk; away, back, beginning anew, telling that it was heard."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from collector.service import CollectorService
from collector.settings import CollectorSettings
from collector.store.pin_clearing import Clearing, clear_pins
from collector.web.parts import PARTS
from indicators.overlay import Pin
from proxy import published_overlay
from proxy.overlay_store import OverlayStore
from proxy.policy_stream.client import StreamClient, StreamError
from proxy.policy_stream.follower import PolicyFollower
from proxy.policy_stream.told import Change, Told
from proxy.supervisor.overlay_desk import OverlayDesk

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
GATEWAY, READ, ADMIN = "gateway-token-0123", "reading-token-0123", "administrators-0123"
BLOCK = {"indicatorType": "DomainName", "action": "Block", "title": "T", "description": "D"}


class Clock:
    now = NOW

    def __call__(self) -> datetime:
        return self.now


class Quick:
    """Ask the real client without making it wait."""

    def __init__(self, client: StreamClient) -> None:
        self.client = client

    async def ask(self, stream: str, after: int) -> Told:
        return await self.client.ask(stream, after, wait=0)


@pytest.fixture
async def service(tmp_path: Path):
    settings = CollectorSettings(f"sqlite:///{tmp_path}/c.sqlite", GATEWAY, READ, ADMIN, port=0)
    async with CollectorService(settings) as running:
        yield running


@pytest.fixture
async def followed(tmp_path: Path, service: CollectorService):
    (tmp_path / "overlay").mkdir()
    clock = Clock()
    store = OverlayStore(tmp_path / "overlay.sqlite")
    desk = OverlayDesk(store, tmp_path / "overlay", clock)
    client = StreamClient(service.url, GATEWAY, "gw")
    follower = PolicyFollower(Quick(client), desk, store, clock, timedelta(hours=4))
    yield follower, desk, clock
    await client.close()
    store.close()


async def _block(service: CollectorService, host: str) -> None:
    headers = {"Authorization": f"Bearer {ADMIN}"}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.post(f"{service.url}/api/indicators", json={**BLOCK, "indicatorValue": host}) as answer,
    ):
        assert answer.status == 200


async def test_what_is_told_is_published_and_kept(followed, service, tmp_path):
    follower, desk, _ = followed
    await _block(service, "a.example")
    await follower.once()
    assert [one.value for one in desk.overlay.indicators] == ["a.example"]
    assert desk.overlay.risks_as_of == NOW
    folder = tmp_path / "overlay"
    assert published_overlay.read(folder, published_overlay.current_name(folder)) == desk.overlay
    again = OverlayStore(tmp_path / "overlay.sqlite")
    assert again.overlay((), NOW).indicators == desk.overlay.indicators
    assert again.pushed_position()[1] == follower.state.last == 1
    again.close()


async def test_that_it_was_heard_is_told_now_and_then_only(followed):
    follower, desk, clock = followed
    await follower.once()
    first = desk.overlay.generation
    clock.now += timedelta(minutes=59)
    await follower.once()
    assert desk.overlay.generation == first
    clock.now += timedelta(minutes=1)
    await follower.once()
    assert desk.overlay.risks_as_of == clock.now
    assert follower.state.heard == clock.now


async def test_another_collector_begins_anew(followed, service):
    follower, desk, _ = followed
    await _block(service, "a.example")
    await follower.once()

    class Other:
        async def ask(self, stream: str, after: int) -> Told:
            return Told("other", 9, (Change("indicator", "5", {"block": "b.example"}),), reset=True)

    follower._source = Other()
    await follower.once()
    assert [one.value for one in desk.overlay.indicators] == ["b.example"]


async def test_the_same_answer_twice_changes_nothing(followed, service):
    follower, desk, _ = followed
    await _block(service, "a.example")
    told = await follower._source.ask("", 0)
    for _ in range(2):
        await desk.change(lambda store: store.push(told, NOW))
    assert len(desk.overlay.indicators) == 1


async def test_what_cannot_be_used_is_skipped(followed):
    follower, desk, _ = followed

    class Newer:
        async def ask(self, stream: str, after: int) -> Told:
            return Told("s", 2, (Change("spell", "1", {}), Change("group", "d", {"group": "x"})), reset=True)

    follower._source = Newer()
    await follower.once()
    assert desk.overlay.groups == {"d": "x"}


async def test_away_and_back(followed, service, tmp_path):
    follower, desk, _ = followed
    await _block(service, "a.example")
    await follower.once()
    port = service.port
    await service.stop()
    task = asyncio.create_task(follower.follow())
    async with asyncio.timeout(20):
        while not follower.state.trouble:
            await asyncio.sleep(0.02)
    assert "cannot be reached" in follower.state.trouble
    assert len(desk.overlay.indicators) == 1, "what was told last stays"
    settings = CollectorSettings(f"sqlite:///{tmp_path}/c.sqlite", GATEWAY, READ, ADMIN, port=port)
    async with CollectorService(settings) as back:
        await _block(back, "b.example")
        async with asyncio.timeout(20):
            while len(desk.overlay.indicators) < 2:
                await asyncio.sleep(0.02)
        assert follower.state.trouble == ""
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.mark.parametrize(
    ("token", "path", "said"),
    [
        (READ, "", "answers 403: it does not know this gateway's token"),
        ("no-such-token-0123", "", "answers 401: it does not know this gateway's token"),
        (GATEWAY, "/elsewhere", "answers 404: it has no policy stream"),
    ],
)
async def test_why_it_cannot_be_heard(service, token, path, said):
    client = StreamClient(service.url + path, token, "gw")
    with pytest.raises(StreamError, match=said):
        await client.ask("", 0, wait=0)
    await client.close()


async def test_an_answer_that_is_none():
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")
        await writer.drain()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    client = StreamClient(f"http://{host}:{port}", GATEWAY, "gw")
    with pytest.raises(StreamError, match="cannot be read: expected an object"):
        await client.ask("", 0, wait=0)
    await client.close()
    server.close()


async def test_an_app_cleared_at_the_collector_is_forgotten_by_its_gateway_alone(followed, service):
    follower, desk, _ = followed
    pins = [Pin("d", host, "t13", NOW + timedelta(days=1)) for host in ("bank.test", "other.test")]
    for pin in pins:
        await desk.change(lambda store, pin=pin: store.pin(pin, NOW))
    database = service._app[PARTS].database
    elsewhere = Clearing("another", pins[1].until, "d", "other.test", "t13")
    await clear_pins(database, [Clearing("gw", pins[0].until, "d", "bank.test", "t13"), elsewhere], "mira", NOW)
    await follower.once()
    assert desk.overlay.pins == (pins[1],)
    assert follower.state.last == 2, "what was for another gateway is passed over"
