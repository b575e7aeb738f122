"""The shield's keeper: when it renews, when it ends, and what it takes for a front that lives."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.firewall.kernel import FirewallError, MissingRightError
from proxy.privileges import NOBODY
from proxy.protect import keeper
from tests.support.an_nft import nft, says

__all__ = ["nft"]

_AS_USER = 1000


@pytest.mark.parametrize("last", [True, False])
async def test_it_renews_while_the_front_answers_and_ends_with_its_shield(
    nft: Path, monkeypatch: pytest.MonkeyPatch, last: bool
) -> None:
    """It ends also where the front has ended before the shield."""
    monkeypatch.setattr(keeper, "EVERY", 0.01)
    alive, told = [True, False, True], 0

    async def answers(port: int) -> bool:
        if alive:
            return alive.pop(0)
        says(nft, "cat > /dev/null; echo 'No such file or directory' >&2; exit 1")
        return last

    def renewed() -> None:
        nonlocal told
        told += 1

    monkeypatch.setattr(keeper, "answers", answers)
    async with asyncio.timeout(20):
        await keeper.keep(8443, "of_1", renewed)
    said = (nft.parent / "said").read_text()
    assert told == said.count("flush set inet seawall_protect alive") == 2
    assert said.count("flush chain inet seawall_protect of_1") == 3


def _hangs_up(connection: socket.socket) -> None:
    connection.close()


def _resets(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _hangs(connection: socket.socket) -> None:
    """Keep it open and silent, as a stopped process does."""


@pytest.mark.parametrize(("front", "lives"), [(_hangs_up, True), (_resets, True), (_hangs, False)])
async def test_a_front_lives_that_ends_who_asks_for_nothing(
    monkeypatch: pytest.MonkeyPatch, front: Callable[[socket.socket], None], lives: bool
) -> None:
    monkeypatch.setattr(keeper, "_PATIENCE", 20.0 if lives else 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        asked = asyncio.create_task(keeper.answers(listener.getsockname()[1]))
        connection, _ = await asyncio.to_thread(listener.accept)
        with connection:
            front(connection)
            assert await asked is lives


async def test_where_nobody_listens_no_front_lives() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert not await keeper.answers(port)


@pytest.fixture
def front(nft: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a front answer at any port, and the keeper look often."""

    async def answers(port: int) -> bool:
        return True

    monkeypatch.setattr(keeper, "answers", answers)
    monkeypatch.setattr(keeper, "EVERY", 0.01)


def _effective_user(monkeypatch: pytest.MonkeyPatch, uid: int) -> list[tuple[object, set[int]]]:
    """Be this user as far as the keeper sees; return who it then becomes, with which rights."""
    became: list[tuple[object, set[int]]] = []
    monkeypatch.setattr("os.geteuid", lambda: uid)
    monkeypatch.setattr(keeper, "become", lambda user, rights: became.append((user, rights)))
    return became


@pytest.mark.usefixtures("front")
@pytest.mark.parametrize(("uid", "became"), [(0, [(NOBODY, {12})]), (_AS_USER, [])])
def test_it_tells_once_that_it_has_begun_with_one_right_at_most(
    nft: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    uid: int,
    became: list[tuple[object, set[int]]],
) -> None:
    """It ends by itself when the shield is gone, here: when our `nft` fails, the third time."""
    says(nft, 'cat >> "$0.told"; test $(grep -c flush "$0.told") -lt 3')
    gave_up = _effective_user(monkeypatch, uid)
    assert keeper.main(["8443", "of_1"]) == 0
    assert capsys.readouterr().out == "renewed\n"
    assert gave_up == became


@pytest.mark.usefixtures("front")
async def test_without_the_right_it_says_so(nft: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    says(nft, "echo 'Operation not permitted' >&2; exit 1")
    with pytest.raises(MissingRightError):
        await keeper.keep(8443, "of_1", lambda: None)
    _effective_user(monkeypatch, _AS_USER)
    assert await asyncio.to_thread(keeper.main, ["8443", "of_1"]) == 1


def test_one_that_never_begins_is_an_error(nft: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.protect.keepers.STARTED_WITHIN", 0.0)
    with pytest.raises(FirewallError, match="nobody answers at the front's port 9"):
        keeper.start(9, "of_1")
