"""Choose the way of this platform. The only place that asks which one it is."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from proxy.protect.by_rules import ByRules
from proxy.protect.by_settings import BySettings
from proxy.protect.remembered import Memory
from proxy.protect.settings_keeper import start
from proxy.protect.systems import settings_of
from proxy.protect.way import ProtectError, Way

type Wanted = Literal["auto", "rules", "settings"]


def way_here(wanted: Wanted, state_dir: Callable[[], Path], platform: str = sys.platform) -> Way:
    """Return the way. `state_dir` is asked for only where one is needed. Raises ProtectError where there is none."""
    if platform == "linux" and wanted != "settings":
        return ByRules()
    if platform == "linux":
        return _by_settings(state_dir(), "gnome")
    if platform == "darwin" and wanted != "rules":
        return _by_settings(state_dir(), "networksetup")
    raise ProtectError("rules need Linux, settings macOS or GNOME; elsewhere set the system's proxy by hand")


def end_what_a_crash_left(state_dir: Path) -> str:
    """Put back what a crash of everything left; return a word for people, or nothing. For the start of a gateway."""
    try:
        remembered = Memory(state_dir).load()
        if remembered is None or (remembered.system == "gnome" and not Memory(state_dir).is_ours()):
            return ""
        ended = _by_settings(state_dir, remembered.system).end_what_a_crash_left()
    except ProtectError as problem:
        return f"`seawall protect` was on, and could not be ended after a crash: {problem}"
    return "`seawall protect` was ended by a crash, and the system's proxy settings put back" if ended else ""


def _by_settings(state_dir: Path, system: str) -> BySettings:
    return BySettings(settings_of(system), state_dir, start)
