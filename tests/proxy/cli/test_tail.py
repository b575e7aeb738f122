"""`seawall tail` in a process of its own against a real collector: lines, filters, JSON, Ctrl-C, and a missing one."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path

import aiohttp
import pytest
from click.testing import CliRunner

from collector.api import tail as endpoint
from indicators.event_wire import to_json
from proxy.cli.tail import fits, line_of
from proxy.cli.tail import tail as command
from proxy.secrets import load_or_create
from proxy.state import StateDir
from tests.proxy.cli.test_console import config, serving  # noqa: F401 - fixtures
from tests.support.events import verdict
from tests.support.hostile import HOSTILE

ROOT = Path(__file__).resolve().parents[3]


async def deliver(config: Path, url: str, *events) -> None:  # noqa: F811
    token = load_or_create(StateDir(config.parent / "state")).gateway_token
    body = {"events": [to_json(event) for event in events]}
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(headers=headers) as http, http.post(f"{url}/api/v1/events", json=body) as answer:
        assert answer.status == 200


async def started(config: Path, *options: str):  # noqa: F811
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from proxy.cli import main; main()", "tail", "--config", str(config), *options,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def test_it_follows_and_ends_cleanly(config, serving):  # noqa: F811
    await deliver(config, serving.url, verdict("before"))
    process = await started(config, "--json")
    async with asyncio.timeout(60):
        assert json.loads(await process.stdout.readline())["id"] == "before"
        await deliver(config, serving.url, verdict("after", host="other.example"))
        assert json.loads(await process.stdout.readline())["id"] == "after"
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0
    assert await process.stderr.read() == b""


async def run(config: Path, *options: str):  # noqa: F811
    return await asyncio.to_thread(CliRunner().invoke, command, ["--config", str(config), *options])


async def test_what_is_there_is_shown_and_filtered(config, serving):  # noqa: F811
    await deliver(config, serving.url, verdict("a"), verdict("b", host="quiet.example", url="", alert=False))
    whole = await run(config, "--no-follow")
    assert whole.exit_code == 0, whole.output
    assert "https://evil.example/login" in whole.output
    assert "quiet.example" in whole.output
    some = await run(config, "--no-follow", "--alerts", "--host", "EVIL", "--device", "mira", "--action", "block")
    assert len(some.output.splitlines()) == 1
    assert (await run(config, "--no-follow", "--category", "malware")).output == ""
    assert (await run(config, "--no-follow", "--last", "1", "--json")).output.count("\n") == 1


async def test_without_a_collector_it_says_so(config):  # noqa: F811
    missing = await run(config)
    assert missing.exit_code == 1
    assert "seawall run" in missing.output
    state = StateDir(config.parent / "state")
    state.endpoints.write_text(json.dumps({"collector": "http://127.0.0.1:9"}))
    gone = await run(config)
    assert gone.exit_code == 1
    assert "does not answer" in gone.output


async def test_a_refused_token_is_told(config, serving):  # noqa: F811
    secret = config.parent / "state" / "secrets" / "read_token"
    secret.write_text("another-token-0123456\n")
    refused = await run(config, "--no-follow")
    assert refused.exit_code == 1
    assert "401" in refused.output


async def test_signs_of_life_come_and_wrong_questions_are_refused(config, serving, monkeypatch):  # noqa: F811
    monkeypatch.setattr(endpoint, "_BEAT", 0.01)
    token = load_or_create(StateDir(config.parent / "state")).read_token
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as http:
        async with http.get(f"{serving.url}/api/v1/tail") as answer:
            assert await answer.content.readline() == b"\n"
        for last in ("x", "1001", "-1"):
            async with http.get(f"{serving.url}/api/v1/tail?last={last}") as answer:
                assert answer.status == 400


@pytest.mark.parametrize("text", HOSTILE)
def test_a_line_moves_no_cursor(text):
    incident = {
        "time": "2026-11-23T12:00:00Z",
        "action": "block",
        "host": text,
        "reason": text,
        "device": {"name": text},
    }
    shown = line_of(incident).plain
    assert not [letter for letter in shown if ord(letter) < 32 or 127 <= ord(letter) < 160]
    assert line_of(incident | {"hidden": True}).plain.count("(hidden)") == 1


def test_filters_that_are_not_set_let_everything_pass():
    none = {"device": "", "host": "", "action": None, "category": None, "alerts": False}
    assert fits({}, none)
    assert not fits({}, none | {"alerts": True})
    assert not fits({"action": "warn"}, none | {"action": "block"})
