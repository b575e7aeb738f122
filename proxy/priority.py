"""Let a process step back where cores are short. Which one steps back, and when, is decided by who calls."""

from __future__ import annotations

import os
import sys
import threading


def step_back(niceness: int) -> None:
    """Add to the niceness of this process, all its threads included; those made later inherit it.

    Linux counts niceness by thread (setpriority(2), *C library/kernel differences*), other systems by process.
    """
    os.nice(niceness)
    if sys.platform != "linux":
        return
    mine = threading.get_native_id()
    for other in threading.enumerate():
        if other.native_id not in (mine, None):
            os.setpriority(os.PRIO_PROCESS, other.native_id, os.getpriority(os.PRIO_PROCESS, mine))
