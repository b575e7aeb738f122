"""Collect garbage a little at a time: a full collection walks all that is kept, and nobody is served meanwhile.

What is new is looked at often, while it is little; what has lasted is set aside (`gc.freeze`) and no longer walked. It
is freed all the same when nothing refers to it; only a circle among what was set aside has to wait for the hour.
"""

from __future__ import annotations

import asyncio
import gc

_LOOK_EVERY = 0.1  # seconds
_FEW = 2_000  # new objects that are not worth a look
_MANY = 50_000  # objects looked at since what lasted was set aside
_FULL_EVERY = 36_000  # looks: an hour


async def collect_gently() -> None:
    """Take over from the interpreter until cancelled. What was set aside stays so: process and service end as one."""
    gc.collect()
    gc.freeze()
    gc.disable()
    seen = looks = 0
    try:
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            looks += 1
            new = gc.get_count()[0]
            if new >= _FEW:
                seen += new
                gc.collect(1 if seen >= _MANY else 0)
            if seen >= _MANY:
                gc.freeze()
                seen = 0
            if looks % _FULL_EVERY == 0:
                gc.unfreeze()
                gc.collect()
                gc.freeze()
    finally:
        gc.enable()
