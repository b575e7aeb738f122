"""`seawall allow`, `pause` and `resume` speak to a real control socket, and say so where none answers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from proxy.cli import main
from proxy.control.protocol import decode, encode
from proxy.state import StateDir


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StateDir:
    (tmp_path / "config.yaml").write_text("state_dir: s\n")
    monkeypatch.chdir(tmp_path)
    state = StateDir(tmp_path / "s")
    state.prepare()
    return state


async def answered(state: StateDir, reply: Mapping[str, Any], *arguments: str) -> tuple[Result, list[dict[str, Any]]]:
    """Run a command against a control socket that gives one reply, and return what it was asked."""
    asked: list[dict[str, Any]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(decode(await reader.readline()))
        writer.write(encode({"id": asked[-1]["id"], **reply}))
        await writer.drain()
        writer.close()

    async with await asyncio.start_unix_server(serve, str(state.control_socket)):
        return await asyncio.to_thread(CliRunner().invoke, main, list(arguments)), asked


SOON = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()


@pytest.mark.parametrize(
    ("arguments", "asked", "says"),
    [
        (("allow", "WWW.Evil.example."), {"op": "allow", "host": "www.evil.example", "seconds": 3600},
         "www.evil.example is allowed until "),
        (("allow", "evil.example", "--for", "2d"), {"op": "allow", "host": "evil.example", "seconds": 172800},
         "evil.example is allowed until "),
        (("pause", "5m"), {"op": "pause", "seconds": 300}, "blocking is paused until "),
        (("resume",), {"op": "resume"}, "blocking again"),
    ],
)  # fmt: skip
async def test_the_gateway_is_told(
    state: StateDir, arguments: tuple[str, ...], asked: dict[str, Any], says: str
) -> None:
    result, questions = await answered(state, {"ok": True, "until": SOON}, *arguments)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(says)
    assert [{key: value for key, value in one.items() if key != "id"} for one in questions] == [asked]


async def test_a_later_day_is_named(state: StateDir) -> None:
    result, _ = await answered(state, {"ok": True, "until": "2031-05-06T12:00:00+00:00"}, "pause", "1h")
    assert "2031-05-0" in result.stdout


async def test_a_refusal_is_told(state: StateDir) -> None:
    result, _ = await answered(state, {"ok": False, "error": "host: expected …"}, "allow", "evil.example")
    assert result.exit_code == 1
    assert "host: expected …" in result.stderr


@pytest.mark.parametrize("arguments", [("allow", "evil.example"), ("pause", "5m"), ("resume",)])
def test_without_a_gateway_it_says_so(state: StateDir, arguments: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, list(arguments))
    assert result.exit_code == 1
    assert "the gateway is not running" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("allow", "http://evil.example/"), "expected a host such as www.example.com"),
        (("allow", "evil.example", "--for", "5"), "expected a duration"),
        (("pause", "0m"), "expected more than zero and at most 30d"),
        (("pause", "31d"), "expected more than zero and at most 30d"),
        (("pause", "5m", "--config", "gone.yaml"), "gone.yaml: no such file"),
    ],
)
def test_bad_input_exits_2(state: StateDir, arguments: tuple[str, ...], says: str) -> None:
    result = CliRunner().invoke(main, list(arguments))
    assert result.exit_code == 2
    assert says in result.stderr
