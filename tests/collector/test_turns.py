"""The interpreter is set up while a collector runs, and put back afterwards."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator

import pytest
from aiohttp import web

from collector.service import CollectorService
from collector.turns import taking_turns


@pytest.fixture(autouse=True)
def as_python_begins() -> Iterator[None]:
    """Begin with Python's own values: two collectors of one test that overlapped may have put back each other's."""
    before = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(0.005)
    gc.set_threshold(700, 10, 10)
    yield
    sys.setswitchinterval(before[0])
    gc.set_threshold(*before[1])


async def test_turns_are_short_while_a_collector_runs(collector_settings):
    before = sys.getswitchinterval(), gc.get_threshold()
    async with CollectorService(collector_settings):
        assert sys.getswitchinterval() < 0.001
        assert gc.get_threshold()[0] > 10_000
    assert sys.getswitchinterval() == before[0]
    assert gc.get_threshold() == before[1]


async def test_all_is_put_back():
    turns = taking_turns(web.Application())
    before = sys.getswitchinterval(), gc.get_threshold()
    await anext(turns)
    assert (sys.getswitchinterval(), gc.get_threshold()) != before
    assert await anext(turns, None) is None
    assert (sys.getswitchinterval(), gc.get_threshold()) == before
