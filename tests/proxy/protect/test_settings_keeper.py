from __future__ import annotations

import asyncio
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.protect import settings_keeper
from proxy.protect.remembered import Memory
from proxy.protect.settings_keeper import MISSES, keep, main, start
from proxy.protect.way import ProtectError
from tests.proxy.protect.test_remembered import ONE
from tests.support.mac_settings import MacSettings, a_service


class Gateway:
    """Answer as told, then not at all; write down where the settings were led."""

    def __init__(self, *alive: bool, ends: bool = True) -> None:
        self.alive = list(alive)
        self.turns: list[bool] = []
        self.begun = 0
        self.ends = ends

    async def answers(self) -> bool:
        return self.alive.pop(0) if self.alive else False

    def turn(self, here: bool) -> bool:
        self.turns.append(here)
        return here or bool(self.alive) or not self.ends

    def began(self) -> None:
        self.begun += 1


@pytest.mark.parametrize(
    ("alive", "turns"),
    [
        ((True, True), [True, True, False]),
        ((True, False, True), [True, True, False]),  # one look without an answer is no crash
        ((True, *[False] * MISSES, True), [True, False, True, False]),
    ],
)
async def test_settings_follow_the_gateway(
    monkeypatch: pytest.MonkeyPatch, alive: tuple[bool, ...], turns: list[bool]
) -> None:
    monkeypatch.setattr(settings_keeper, "EVERY", 0.001)
    gateway = Gateway(*alive)
    async with asyncio.timeout(20):
        await keep(gateway.answers, gateway.turn, gateway.began)
    assert gateway.turns == turns
    assert gateway.begun == turns.count(True)


async def test_told_to_end_it_puts_back_first(monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = Gateway(True, ends=False)
    task = asyncio.create_task(keep(gateway.answers, gateway.turn, gateway.began))
    async with asyncio.timeout(20):
        while not gateway.begun:
            await asyncio.sleep(0.01)
        task.cancel()
        await task
    assert gateway.turns == [True, False]


async def _refuses(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Be a front as far as the keeper looks."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    writer.close()


async def test_it_is_a_process_that_ends_when_a_signal_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here in this process: pointed at a front, then told to end by SIGTERM."""
    mac = MacSettings(tmp_path, Wi_Fi=a_service())
    monkeypatch.setenv("PATH", f"{mac.folder}:/usr/bin:/bin")
    server = await asyncio.start_server(_refuses, "127.0.0.1", 0)
    gate = replace(ONE.gate, http=server.sockets[0].getsockname()[1])
    ours = {"webproxy Wi Fi": ("on", "127.0.0.1", "8080")}
    before = {"webproxy Wi Fi": ("off", "", "0")}
    Memory(tmp_path).save(replace(ONE, gate=gate, ours=ours, before=before, in_force=False))
    keeper = await asyncio.create_subprocess_exec(
        settings_keeper.sys.executable,  # type: ignore[attr-defined]
        *("-m", "proxy.protect.settings_keeper", str(tmp_path), ONE.mark, ONE.system),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(60):
            assert keeper.stdout
            assert await keeper.stdout.readline() == b"kept\n"
            assert mac.services["Wi Fi"]["webproxy"] == [True, "127.0.0.1", 8080, False]
            assert Memory(tmp_path).is_kept()
            keeper.send_signal(signal.SIGTERM)
            assert await keeper.wait() == 0
    finally:
        server.close()
    assert mac.services == {"Wi Fi": a_service()}
    remembered = Memory(tmp_path).load()
    assert remembered
    assert not remembered.in_force


def test_one_for_another_protection_ends_at_once(tmp_path: Path) -> None:
    assert main([str(tmp_path), "a1", ONE.system]) == 0
    Memory(tmp_path).save(ONE)
    assert main([str(tmp_path), "another", ONE.system]) == 0


def test_one_that_the_system_refuses_says_so(tmp_path: Path) -> None:
    (tmp_path / "system-proxy.json").write_text("{")
    assert main([str(tmp_path), "a1", ONE.system]) == 1


def test_it_keeps_until_its_protection_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mac = MacSettings(tmp_path, Wi_Fi=a_service())
    monkeypatch.setenv("PATH", f"{mac.folder}:/usr/bin:/bin")
    monkeypatch.setattr(settings_keeper, "EVERY", 0.001)
    memory, looks = Memory(tmp_path), 0
    memory.save(replace(ONE, ours={}, before={}))

    async def served(host: str, port: int) -> bool:
        nonlocal looks
        looks += 1
        if looks == 3:
            memory.forget()  # `seawall protect off`
        return (host, port) == (ONE.gate.host, ONE.gate.http)

    monkeypatch.setattr(settings_keeper, "is_served", served)
    assert main([str(tmp_path), ONE.mark, ONE.system]) == 0
    assert (looks, capsys.readouterr().out) == (3, "kept\n")


def test_one_that_never_begins_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ProtectError, match="nobody answers"):  # nothing is remembered: it ends at once
        start(tmp_path, "a1", ONE.system)
    monkeypatch.setattr("proxy.protect.keepers.STARTED_WITHIN", 0.0)
    with pytest.raises(ProtectError, match="nobody answers"):
        start(tmp_path, "a1", ONE.system)
