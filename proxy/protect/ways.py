"""Choose the way of this platform. The only place that asks which one it is."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from proxy.protect.by_rules import ByRules
from proxy.protect.by_settings import BySettings
from proxy.protect.network_setup import NetworkSetup
from proxy.protect.settings_keeper import start
from proxy.protect.way import ProtectError, Way


def way_here(state_dir: Callable[[], Path], platform: str = sys.platform) -> Way:
    """Return the way. `state_dir` is asked for only where one is needed. Raises ProtectError where there is none."""
    if platform == "linux":
        return ByRules()
    if platform == "darwin":
        return BySettings(NetworkSetup(), state_dir(), start)
    raise ProtectError("rules need Linux, settings macOS; elsewhere set the system's proxy to the gateway by hand")


def end_what_a_crash_left(state_dir: Path, platform: str = sys.platform) -> str:
    """Put back what a crash of everything left; return a word for people, or nothing. For the start of a gateway."""
    if platform != "darwin":
        return ""
    try:
        ended = BySettings(NetworkSetup(), state_dir, start).end_what_a_crash_left()
    except ProtectError as problem:
        return f"`seawall protect` was on, and could not be ended after a crash: {problem}"
    return "`seawall protect` was ended by a crash, and the system's proxy settings put back" if ended else ""
