"""`seawall tail` in a process of its own against a real collector: lines, filters, JSON, Ctrl-C, and a missing one."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from click.testing import CliRunner
from rich.console import Console

from collector.api import tail as endpoint
from collector.service import CollectorService
from collector.settings import CollectorSettings
from indicators.event_wire import to_json
from proxy.cli.tail import fits, line_of
from proxy.cli.tail import tail as command
from proxy.collector_link import CollectorLink
from proxy.secrets import load_or_create
from proxy.state import StateDir
from tests.proxy.cli.test_console import config, serving  # noqa: F401 - fixtures
from tests.support.events import verdict
from tests.support.hostile import HOSTILE

module = sys.modules["proxy.cli.tail"]  # `proxy.cli.tail` is the command
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


@pytest.mark.parametrize("begins_empty", [True, False])
async def test_what_came_while_the_stream_was_cut_off_is_shown_then(config, monkeypatch, capsys, begins_empty):  # noqa: F811
    place = module._Place(0)
    monkeypatch.setattr(module, "_PAUSE", 0.01)
    monkeypatch.setattr(module, "_Place", lambda _last: place)
    state = StateDir(config.parent / "state")
    keys = load_or_create(state)
    tokens = (keys.gateway_token, keys.read_token, keys.admin_token)
    settings = CollectorSettings(f"sqlite:///{state.collector_database}", *tokens, port=0)
    none = {"device": "", "host": "", "action": None, "category": None, "alerts": False}
    read = ""

    async def shown(text: str) -> str:
        nonlocal read
        while text not in read:
            taken = capsys.readouterr()
            read += taken.out + taken.err
            await asyncio.sleep(0.01)
        return read

    async with asyncio.timeout(60):
        async with CollectorService(settings) as service:
            if not begins_empty:
                await deliver(config, service.url, verdict("before", host="long-before.example"))
            link = CollectorLink(service.url, keys.read_token)
            following = asyncio.create_task(module._follow(link, 0, True, none, Console(width=300)))
            while place.after is None:
                await asyncio.sleep(0.01)
            if not begins_empty:
                await deliver(config, service.url, verdict("first", host="first.example", url=""))
                await shown("first.example")
        await shown("is away")
        async with CollectorService(replace(settings, port=0)) as unseen:
            await deliver(config, unseen.url, verdict("missed", host="missed.example", url=""))
        async with CollectorService(replace(settings, port=service.port)) as again:
            await shown("missed.example")
            await deliver(config, again.url, verdict("last", host="last.example", url=""))
            await shown("last.example")
            following.cancel()
    assert read.count("first.example") == (not begins_empty)
    assert read.count("missed.example") == read.count("last.example") == 1
    assert "is back" in read
    assert "long-before" not in read


async def test_a_stream_goes_on_after_what_is_kept(config, serving):  # noqa: F811
    for name in ("a", "b", "c"):
        await deliver(config, serving.url, verdict(name, host=f"{name}.example"))
    token = load_or_create(StateDir(config.parent / "state")).read_token
    asked = {
        "last=2": ("a", ["b", "c"]),
        "last=9": ("", ["a", "b", "c"]),
        "after=b&last=9": ("b", ["c"]),
        "after=": ("", ["a", "b", "c"]),
        "after=gone&last=1": ("b", ["c"]),
        "after=gone": ("c", []),
    }
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as http:
        for query, (after, ids) in asked.items():
            async with http.get(f"{serving.url}/api/v1/tail?follow=0&{query}") as answer:
                lines = (await answer.text()).splitlines()
                assert [json.loads(line)["id"] for line in lines] == ids, query
                assert answer.headers["Seawall-After"] == after, query
        async with http.get(f"{serving.url}/api/v1/tail?after={'x' * 65}") as answer:
            assert answer.status == 400


async def test_a_collector_that_is_not_ready_yet_is_waited_for(unused_tcp_port):
    answers = iter((503, 200))

    async def answer(request: web.Request) -> web.Response:
        lines = b'{"id":"a"}\n{"id":"b"' if request.query["after"] == "x" else b'{"id":"b"}\n'
        return web.Response(status=next(answers), body=lines)

    app = web.Application()
    app.router.add_get("/api/v1/tail", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
    place = module._Place(0, "x")
    link = CollectorLink(f"http://127.0.0.1:{unused_tcp_port}", "t")
    with pytest.raises(aiohttp.ClientConnectionError, match="503"):
        _ = [one async for one in module._incidents(link, place, on=True)]
    assert [one async for one in module._incidents(link, place, on=True)] == [None, {"id": "a"}]
    assert place.after == "a", "what was cut off in the middle comes again"
    await runner.cleanup()


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
