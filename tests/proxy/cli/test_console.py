"""`seawall console` against a real collector, and what it says when it cannot."""

from __future__ import annotations

import asyncio
import json
import webbrowser
from pathlib import Path

import pytest
from click.testing import CliRunner

from collector.service import CollectorService
from collector.settings import CollectorSettings
from proxy.cli.console import console
from proxy.secrets import load_or_create
from proxy.state import StateDir


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text("state_dir: state\n")
    StateDir(tmp_path / "state").prepare()
    return path


async def run(config: Path, *options: str):
    return await asyncio.to_thread(CliRunner().invoke, console, ["--config", str(config), *options])


@pytest.fixture
async def serving(config: Path):
    state = StateDir(config.parent / "state")
    keys = load_or_create(state)
    settings = CollectorSettings(
        f"sqlite:///{state.collector_database}",
        keys.gateway_token,
        keys.read_token,
        keys.admin_token,
        port=0,
    )
    async with CollectorService(settings) as service:
        state.endpoints.write_text(json.dumps({"collector": service.url}))
        yield service


async def test_prints_a_link_that_logs_in(config, serving):
    result = await run(config, "--no-open")
    assert result.exit_code == 0
    assert result.output.startswith(f"{serving.url}/login?ticket=")


@pytest.mark.parametrize(("opens", "words"), [(True, "Opened the console"), (False, "/login?ticket=")])
async def test_opens_the_browser_or_prints_where_there_is_none(config, serving, monkeypatch, opens, words):
    opened = []
    monkeypatch.setattr(webbrowser, "open", lambda link: opened.append(link) or opens)
    result = await run(config)
    assert result.exit_code == 0
    assert words in result.output
    assert "/login?ticket=" in opened[0]


async def test_an_installation_with_other_tokens_is_refused(config, serving):
    for secret in StateDir(config.parent / "state").secrets.glob("admin_token"):
        secret.unlink()
    result = await run(config, "--no-open")
    assert result.exit_code == 1
    assert "refused this installation's admin token (HTTP 401)" in result.output


@pytest.mark.parametrize(
    ("endpoints", "words"),
    [
        (None, "start it with `seawall run`"),
        ("{", "is damaged"),
        ("[]", "is damaged"),
        ("{}", "is damaged"),
        ('{"collector": "http://127.0.0.1:1"}', "does not answer"),
    ],
)
async def test_says_what_is_missing(config, endpoints, words):
    if endpoints is not None:
        StateDir(config.parent / "state").endpoints.write_text(endpoints)
    result = await run(config, "--no-open")
    assert result.exit_code == 1
    assert words in result.output


async def test_a_collector_elsewhere_is_asked_where_it_is(config):
    config.write_text("state_dir: state\ncollector: {url: 'http://127.0.0.1:1'}\n")
    result = await run(config, "--no-open")
    assert "http://127.0.0.1:1 does not answer" in result.output


async def test_a_wrong_configuration_exits_2(config):
    config.write_text("colector: {}\n")
    result = await run(config)
    assert result.exit_code == 2
    assert "colector" in result.output
