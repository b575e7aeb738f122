"""The gateway's configuration becomes the collector's settings, and the worker serves until it is told to stop."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import aiohttp
import pytest
from sqlalchemy import make_url

from collector.service import CollectorService
from collector.web.forwarded import LOOPBACK
from proxy.collector_service import serve, settings_of
from proxy.config.model import Config
from proxy.config.sections.collector import CollectorConfig
from proxy.config.sections.privacy import PrivacyConfig
from proxy.secrets import load_or_create
from proxy.state import StateDir


class Context(SimpleNamespace):
    """What `serve` uses of a worker's context."""

    async def ready(self, bound: dict[str, str]) -> None:
        self.bound = bound
        self.answering.set()


@pytest.fixture
def context(tmp_path) -> Context:
    state = StateDir(tmp_path / "st?te")
    state.prepare()
    config = Config(
        collector=CollectorConfig(port=0, allowed_hosts=("wall.home",)), privacy=PrivacyConfig(retention_days=7)
    )
    return Context(
        config=SimpleNamespace(config=config),
        state=state,
        secrets=load_or_create(state),
        clock=lambda: datetime.now(UTC),
        stopping=asyncio.Event(),
        answering=asyncio.Event(),
    )


def test_settings_follow_the_configuration(context):
    settings = settings_of(context.config.config, context.state, context.secrets)
    assert make_url(settings.database_url).database == str(context.state.collector_database)
    assert (settings.retention, settings.allowed_hosts, settings.port) == (timedelta(days=7), ("wall.home",), 0)
    assert (settings.public_url, settings.trusted_proxies) == ("", LOOPBACK)
    url = "postgresql+asyncpg://db.lan/seawall"
    context.config.config = Config(collector=CollectorConfig(database=url))
    assert settings_of(context.config.config, context.state, context.secrets).database_url == url


async def test_a_public_address_is_answered_and_linked_to(context):
    public = CollectorConfig(port=0, public_url="https://wall.example:443/", trusted_proxies=("10.0.0.5",))
    context.config.config = Config(collector=public)
    settings = settings_of(context.config.config, context.state, context.secrets)
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.5/32"]
    async with CollectorService(settings) as service, aiohttp.ClientSession() as http:
        assert (await service.setup_link()).startswith("https://wall.example/invitation?code=")
        for host, status in (("wall.example", 401), ("other.example", 421)):
            async with http.get(service.url, headers={"Host": host}) as answer:
                assert answer.status == status


async def test_serves_until_stopping(context):
    task = asyncio.create_task(serve(context))
    async with asyncio.timeout(20):
        await context.answering.wait()
    address = context.bound["collector"]
    async with aiohttp.ClientSession() as http, http.get(f"http://{address}/healthz") as answer:
        assert answer.status == 200
    assert context.state.collector_database.exists()
    context.stopping.set()
    async with asyncio.timeout(10):
        await task
