"""Shield and keeper with a small `nft` of our own that writes down what it is told; see `test_in_the_kernel.py`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from proxy.firewall.kernel import FirewallError, MissingRightError
from proxy.protect import keeper, shield
from proxy.protect.way import Found, State
from tests.proxy.protect.test_rules import SHIELD


@pytest.fixture
def nft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "nft"
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    _says(program, f"cat >> {tmp_path}/said")
    return program


def _says(program: Path, body: str) -> None:
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)


def _probe(monkeypatch: pytest.MonkeyPatch, *answers: bool) -> None:
    given = list(answers)

    async def is_intercepted() -> bool:
        return given.pop(0) if given else False

    monkeypatch.setattr(shield, "is_intercepted", is_intercepted)


@pytest.mark.parametrize("answers", [(True,), (False, True)])
def test_a_shield_that_intercepts_stays(nft: Path, monkeypatch: pytest.MonkeyPatch, answers: tuple[bool, ...]) -> None:
    started: list[int] = []
    monkeypatch.setattr(keeper, "start", lambda port, mark: started.append(port))
    _probe(monkeypatch, *answers)
    shield.put_up(SHIELD)
    said = (nft.parent / "said").read_text()
    assert said.count("delete table inet seawall_protect") == 1
    assert started == [8443]


def test_one_that_does_not_is_taken_down(nft: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "start", lambda port, mark: None)
    _probe(monkeypatch)
    with pytest.raises(FirewallError, match="a probe was not intercepted"):
        shield.put_up(SHIELD)
    assert (nft.parent / "said").read_text().endswith("delete table inet seawall_protect\n")


@pytest.mark.parametrize(
    ("body", "answer", "found"),
    [
        ("echo table", True, Found(State.PROTECTED, True, True)),
        ("echo table", False, Found(State.NOT_INTERCEPTED, True, False)),
        ("echo 'No such file or directory' >&2; exit 1", True, Found(State.OFF, False, False)),
        ("echo 'Operation not permitted' >&2; exit 1", True, Found(State.PROTECTED, None, True)),
        ("echo 'Operation not permitted' >&2; exit 1", False, Found(State.OFF, None, False)),
    ],
)
def test_how_things_stand(nft: Path, monkeypatch: pytest.MonkeyPatch, body: str, answer: bool, found: Found) -> None:
    _says(nft, body)
    _probe(monkeypatch, answer)
    assert shield.look() == found


async def test_a_keeper_renews_while_the_front_answers_and_ends_with_its_shield(
    nft: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "EVERY", 0.01)
    alive, told = [True, False, True], 0

    async def answers(port: int) -> bool:
        if alive:
            return alive.pop(0)
        _says(nft, "cat > /dev/null; echo 'No such file or directory' >&2; exit 1")
        return True

    def renewed() -> None:
        nonlocal told
        told += 1

    monkeypatch.setattr(keeper, "answers", answers)
    async with asyncio.timeout(20):
        await keeper.keep(8443, "of_1", renewed)
    assert told == (nft.parent / "said").read_text().count("flush chain inet seawall_protect of_1") == 2


async def test_a_keeper_without_the_right_says_so(nft: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def answers(port: int) -> bool:
        return True

    monkeypatch.setattr(keeper, "answers", answers)
    _says(nft, "echo 'Operation not permitted' >&2; exit 1")
    with pytest.raises(MissingRightError):
        await keeper.keep(8443, "of_1", lambda: None)


async def test_a_keeper_is_a_process_that_tells_when_it_has_begun(nft: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends by itself when the shield is gone, here: when our `nft` fails."""

    async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hangs_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    _says(nft, "test -e $0.gone && exit 1; cat > /dev/null; touch $0.gone; chmod 666 $0.gone")
    nft.parent.chmod(0o777)
    try:
        monkeypatch.setattr(keeper.os, "geteuid", lambda: 1000)  # type: ignore[attr-defined]
        said = []
        monkeypatch.setattr("builtins.print", lambda *words, **more: said.append(words))
        monkeypatch.setattr(keeper, "EVERY", 0.01)
        assert await asyncio.to_thread(keeper.main, [str(port), "of_1"]) == 0
        assert said == [("renewed",)]
    finally:
        server.close()


def test_a_keeper_that_never_begins_is_an_error(nft: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.protect.keepers.STARTED_WITHIN", 0.0)
    with pytest.raises(FirewallError, match="nobody answers at the front's port 9"):
        keeper.start(9, "of_1")
