"""Client and server against each other over a real socket, and the server against a raw one."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import socket
import stat
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from proxy.control import ControlClient, ControlError, client, server
from proxy.control.protocol import MAX_REQUEST, number_field, text_field
from proxy.control.server import ControlServer, Peer


class Desk:
    """Handlers that show what they were given."""

    def __init__(self) -> None:
        self.gone: asyncio.Queue[Peer] = asyncio.Queue()
        self.gate = asyncio.Event()

    def handlers(self) -> dict[str, server.Handler]:
        return {"echo": self.echo, "refuse": self.refuse, "break": self.fail, "wait": self.wait}

    async def echo(self, peer: Peer, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"said": fields.get("say"), "pid": peer.pid}

    async def refuse(self, peer: Peer, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        raise ControlError("used")

    async def fail(self, peer: Peer, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        raise RuntimeError("a secret detail")

    async def wait(self, peer: Peer, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        await self.gate.wait()
        return {"waited": True}


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[tuple[Desk, Path]]:
    made = Desk()
    path = tmp_path / "control"
    listening = ControlServer(path, made.handlers(), made.gone.put_nowait)
    await listening.start()
    yield made, path
    await listening.stop()
    assert not path.exists()


async def test_a_call_brings_the_reply(desk: tuple[Desk, Path]) -> None:
    caller = ControlClient(desk[1])
    answer = await caller.call("echo", say="hé\n")
    assert (answer["said"], answer["pid"]) == ("hé\n", os.getpid())
    await caller.close()
    async with asyncio.timeout(20):
        assert (await desk[0].gone.get()).pid == os.getpid()


async def test_calls_overlap_on_one_connection(desk: tuple[Desk, Path]) -> None:
    caller = ControlClient(desk[1])
    slow = asyncio.create_task(caller.call("wait"))
    assert (await caller.call("echo", say=1))["said"] == 1
    assert not slow.done()
    desk[0].gate.set()
    assert (await slow)["waited"] is True
    await caller.close()


@pytest.mark.parametrize(
    ("op", "reason"),
    [("refuse", "^used$"), ("break", "see its log"), ("nonsense", "unknown operation 'nonsense'; expected one of")],
)
async def test_a_refusal_is_an_error_with_its_reason(desk: tuple[Desk, Path], op: str, reason: str) -> None:
    caller = ControlClient(desk[1])
    with pytest.raises(ControlError, match=reason) as raised:
        await caller.call(op)
    assert "secret" not in str(raised.value)
    assert (await caller.call("echo", say=2))["said"] == 2  # the connection lives on
    await caller.close()


async def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="not running"):
        await ControlClient(tmp_path / "nothing").call("echo")


async def test_a_lost_connection_fails_calls_and_is_noticed(tmp_path: Path) -> None:
    made = Desk()
    listening = ControlServer(tmp_path / "control", made.handlers())
    await listening.start()
    caller = ControlClient(tmp_path / "control")
    await caller.call("echo")
    waiting = asyncio.create_task(caller.call("wait"))
    await asyncio.sleep(0)
    await listening.stop()
    async with asyncio.timeout(20):
        await caller.lost()
        with pytest.raises(ControlError, match="lost"):
            await waiting
    with pytest.raises(ControlError, match="lost"):
        await caller.call("echo")


async def test_a_silent_supervisor_is_not_waited_for_forever(
    desk: tuple[Desk, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "CALL_TIMEOUT", 0.05)
    caller = ControlClient(desk[1])
    with pytest.raises(ControlError, match="did not answer `wait`"):
        await caller.call("wait")
    await caller.close()


async def test_only_we_may_open_the_socket(desk: tuple[Desk, Path]) -> None:
    assert stat.S_IMODE(desk[1].stat().st_mode) == 0o600


async def test_another_user_is_sent_away(desk: tuple[Desk, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "peer_of", lambda _: Peer(1, os.getuid() + 1))
    reader, writer = await asyncio.open_unix_connection(str(desk[1]))
    assert await reader.read() == b""
    writer.close()


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"not json\n", "expected a JSON object a line"),
        (b"[1]\n", "expected a JSON object, got list"),
        (b"{}\n", "unknown operation None"),
        (b'{"op": ["echo"]}\n', "unknown operation ['echo']"),
        (b"\xff\xfe\n", "expected a JSON object a line"),
        (b"[" * 30000 + b"\n", "expected a JSON object a line"),
    ],
)
async def test_a_broken_line_is_answered(desk: tuple[Desk, Path], line: bytes, error: str) -> None:
    reader, writer = await asyncio.open_unix_connection(str(desk[1]))
    writer.write(line + b'{"op":"echo","id":7,"say":3}\n')
    answers = [json.loads(await reader.readline()) for _ in range(2)]
    assert error in next(answer["error"] for answer in answers if not answer["ok"])
    assert next(answer for answer in answers if answer["ok"])["said"] == 3
    writer.close()


async def test_a_line_over_the_limit_ends_the_connection(desk: tuple[Desk, Path]) -> None:
    reader, writer = await asyncio.open_unix_connection(str(desk[1]))
    writer.write(b"x" * (MAX_REQUEST + 10))
    assert "longer than" in json.loads(await reader.readline())["error"]
    assert await reader.read() == b""
    writer.close()


async def test_a_process_that_dies_with_a_reply_unread_leaves_quietly(desk: tuple[Desk, Path]) -> None:
    problems: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, problem: problems.append(problem))
    with socket.socket(socket.AF_UNIX) as raw:
        raw.connect(str(desk[1]))
        raw.sendall(b'{"op":"echo","id":1}\n')
        await asyncio.to_thread(raw.recv, 1, socket.MSG_PEEK)
    async with asyncio.timeout(20):
        await desk[0].gone.get()
    await asyncio.sleep(0)  # a task that has failed tells it in its last turn
    gc.collect()
    assert problems == []


async def test_the_client_ends_at_a_reply_that_is_none(tmp_path: Path) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"hello?\n")

    listening = await asyncio.start_unix_server(babble, str(tmp_path / "control"))
    with pytest.raises(ControlError, match="lost"):
        await ControlClient(tmp_path / "control").call("echo")
    listening.close()


def test_fields_are_checked_by_name() -> None:
    assert text_field({"host": "a"}, "host") == "a"
    assert text_field({}, "host", optional=True) == ""
    assert number_field({"seconds": 5}, "seconds", least=1, most=9) == 5
    for bad in ({}, {"host": 3}, {"host": ""}, {"host": "x" * 10}):
        with pytest.raises(ControlError, match=r"^host: expected a string of 1 to 9"):
            text_field(bad, "host", limit=9)
    for wrong in ({}, {"seconds": True}, {"seconds": 10}, {"seconds": "5"}):
        with pytest.raises(ControlError, match=r"^seconds: expected a whole number from 1 to 9"):
            number_field(wrong, "seconds", least=1, most=9)
