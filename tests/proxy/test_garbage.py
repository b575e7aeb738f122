from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from proxy import garbage
from proxy.garbage import collect_gently
from tests.support.resolver import until


class Circle:
    def __init__(self) -> None:
        self.itself = self


@pytest.mark.parametrize(("many", "full"), [(50_000, 10**9), (1, 10**9), (50_000, 1)], ids=["new", "aside", "full"])
async def test_circles_are_freed_and_the_interpreter_gets_its_work_back(
    monkeypatch: pytest.MonkeyPatch, many: int, full: int
) -> None:
    monkeypatch.setattr(garbage, "_LOOK_EVERY", 0.01)
    monkeypatch.setattr(garbage, "_FEW", 0)
    monkeypatch.setattr(garbage, "_MANY", many)
    monkeypatch.setattr(garbage, "_FULL_EVERY", full)
    collecting = asyncio.create_task(collect_gently())
    await asyncio.sleep(0)
    assert not gc.isenabled()
    assert gc.get_freeze_count() > 0
    freed = weakref.ref(Circle())
    await until(lambda: freed() is None)
    collecting.cancel()
    await asyncio.wait({collecting})
    assert gc.isenabled()
