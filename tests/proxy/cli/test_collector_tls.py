"""Commands that ask a collector with a certificate of its own: it is trusted as gateways trust it, and no other is."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from collector.service import CollectorService
from collector.settings import CollectorSettings
from proxy.cli.console import console
from proxy.cli.dry_run import test as dry_run
from proxy.cli.tail import tail
from proxy.cli.vulnerabilities import vulnerabilities
from proxy.secrets import load_or_create
from proxy.state import StateDir
from tests.support.authority import make_authority, make_certificate

ASKED = {
    "console": (console, ["--no-open"], "/login?ticket="),
    "tail": (tail, ["--no-follow"], ""),
    "dry run": (dry_run, ["edit.yaml"], "looked at 0 events"),
    "vulnerabilities": (vulnerabilities, ["list", "--json"], "topReleases"),
}


@pytest.fixture
async def config(tmp_path: Path):
    make_certificate(tmp_path / "c.pem", tmp_path / "c.key", "collector.example")
    path, state = tmp_path / "config.yaml", StateDir(tmp_path / "state")
    path.write_text("state_dir: state\ncollector:\n  tls: {cert: c.pem, key: c.key}\n")
    (tmp_path / "edit.yaml").write_text("- block: evil.example\n")
    state.prepare()
    keys = load_or_create(state)
    tokens = (keys.gateway_token, keys.read_token, keys.admin_token)
    database = f"sqlite:///{state.collector_database}"
    settings = CollectorSettings(
        database, *tokens, port=0, certificate=tmp_path / "c.pem", certificate_key=tmp_path / "c.key"
    )
    async with CollectorService(settings) as service:
        assert service.url.startswith("https://")
        told = {"collector": service.url, "http_proxy": "127.0.0.1:9", "dns": "127.0.0.1:9", "ca": "none"}
        state.endpoints.write_text(json.dumps(told | {"read_token": keys.read_token}))
        yield path


async def run(config: Path, command, *options: str):
    options = tuple(str(config.parent / one) if one.endswith(".yaml") else one for one in options)
    return await asyncio.to_thread(CliRunner().invoke, command, [*options, "--config", str(config)])


@pytest.mark.parametrize("name", ASKED)
async def test_our_own_certificate_is_trusted_and_another_is_not(config: Path, name: str) -> None:
    command, options, words = ASKED[name]
    result = await run(config, command, *options)
    assert result.exit_code == 0, result.output
    assert words in result.output
    other = make_authority(config.parent)
    config.write_text(f"state_dir: state\ncollector:\n  tls: {{cert: {other}, key: c.key}}\n")
    refused = await run(config, command, *options)
    assert refused.exit_code == 1, refused.output
