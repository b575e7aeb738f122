"""A running inspector, on the loop that inspectors have, and a recording origin for the tests of the addons."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from indicators.indicator import Indicator
from tests.support.inspecting import NAMES, Inspecting, inspecting
from tests.support.loops import pytest_asyncio_loop_factories
from tests.support.origin import Origin, origin

__all__ = ["pytest_asyncio_loop_factories"]

type Start = Callable[..., Awaitable[tuple[Inspecting, Origin]]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Return a function that starts an origin and an inspector that trusts it upstream."""
    async with AsyncExitStack() as stack:

        async def begin(*indicators: Indicator, **more: Any) -> tuple[Inspecting, Origin]:
            site = await stack.enter_async_context(origin(tmp_path, *NAMES))
            more.setdefault("upstream", site.certificate)
            gateway = await stack.enter_async_context(inspecting(tmp_path, *indicators, **more))
            return gateway, site

        yield begin
