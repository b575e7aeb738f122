"""Run the tests of a folder on the event loop that the product's processes run on: import this into its conftest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from proxy.event_loop import Loop


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Return the loops that each test runs on; a hook of pytest-asyncio."""
    return {"uvloop": Loop}
