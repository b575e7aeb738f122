"""The gateway answers the collector's questions by its own policy: over HTTP, again after failures, never raising."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from collector.service import CollectorService
from collector.settings import CollectorSettings
from collector.web.parts import PARTS
from proxy.collector_link import CollectorLink
from proxy.config.model import Config
from proxy.policy import LivePolicy
from proxy.state import StateDir
from proxy.supervisor import answering
from proxy.supervisor.answering import Answering

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TOKENS = ("gateway-token-0123", "reading-token-0123", "administrators-0123")
DEVICE = {"id": "why", "name": "console", "group": "default"}


@pytest.fixture
def policy(tmp_path: Path) -> LivePolicy:
    state = StateDir(tmp_path / "state")
    state.prepare()
    return LivePolicy(Config(state_dir=state.root), state, lambda: NOW)


def made(policy: LivePolicy, url: str = "http://127.0.0.1:9", token: str = TOKENS[0]) -> Answering:
    return Answering(CollectorLink(url, token), "gw-1", policy, "enforce", lambda: NOW)


def test_it_says_what_a_device_would_get(policy):
    found = made(policy).answer({"target": "https://smartscreentestratings2.net/x", "device": DEVICE})
    assert found["action"] == "block"
    assert found["matches"][0]["source"] == "test-feed"
    assert (found["host"], found["mode"], found["paused"]) == ("smartscreentestratings2.net", "enforce", False)
    assert found["inspects"] is False
    assert made(policy).answer({"target": "a b", "device": DEVICE})["error"]
    strong = {**DEVICE, "identified_by": "wireguard"}
    assert made(policy).answer({"target": "benign.example", "device": strong})["action"] == "allow"


async def test_a_question_travels_and_comes_back(policy, tmp_path, monkeypatch):
    monkeypatch.setattr(answering, "_PAUSES", (0.01,))
    settings = CollectorSettings(f"sqlite:///{tmp_path}/c.sqlite", *TOKENS, port=0)
    async with CollectorService(settings) as service:
        board = service._app[PARTS].board
        tasks = [asyncio.create_task(made(policy, service.url, token).run()) for token in (TOKENS[0], "wrong")]
        body = {"target": "smartscreentestratings2.net", "device": DEVICE}
        async with asyncio.timeout(20):
            while not (found := await board.ask(body, datetime.now(UTC), 5.0)):
                await asyncio.sleep(0.01)
        assert found["gw-1"]["action"] == "block"
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
