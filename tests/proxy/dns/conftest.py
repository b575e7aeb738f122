"""A resolver with one recording upstream, as most tests of this room need it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.resolver import Running, running
from tests.support.upstream import FakeUpstream


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        server.add("good.example 60 A 192.0.2.10", "good.example 60 AAAA 2001:db8::10")
        yield server


@pytest.fixture
async def resolver(tmp_path: Path, upstream: FakeUpstream) -> AsyncIterator[Running]:
    settings = {"upstreams": [upstream.address], "hosts": {"fixed.example": "127.0.0.1", "evil.example": "127.0.0.1"}}
    async with running(tmp_path, settings) as found:
        yield found
