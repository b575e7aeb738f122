"""Let pages and deliveries take turns in one interpreter. What is set here is the process's, and put back at the end.

A page is asked for in one thread and written in another, and each waits for the interpreter's lock. A thread that reads
a batch gave it up every 5 ms, Python's default.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import AsyncIterator

from aiohttp import web

_TURN = 0.0005  # seconds
_NEW = 20_000  # objects between two looks for garbage: a batch makes that many, and next to none of them in circles


async def taking_turns(_app: web.Application) -> AsyncIterator[None]:
    """Shorten a thread's turn, and look for garbage less often."""
    turn, thresholds = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(_TURN)
    gc.set_threshold(_NEW, *thresholds[1:])
    yield
    sys.setswitchinterval(turn)
    gc.set_threshold(*thresholds)
