"""These tests run on the event loop that the front runs on."""

from __future__ import annotations

from tests.support.loops import pytest_asyncio_loop_factories

__all__ = ["pytest_asyncio_loop_factories"]
