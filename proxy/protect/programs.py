"""Run the programs that change a system's settings: with a time limit, and what they refuse is said."""

from __future__ import annotations

import shutil
import subprocess

from proxy.protect.way import ProtectError

_LIMIT = 20.0  # seconds


class RefusedError(ProtectError):
    """Say that a program did not do what it was asked for."""


def run(name: str, *words: str) -> str:
    """Return what a program printed. Raises RefusedError where it fails, ProtectError where it cannot do anything."""
    program = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/bin")
    if program is None:
        raise ProtectError(f"`{name}` is not there: this system's proxy settings are not changed by it")
    try:
        done = subprocess.run(  # noqa: S603 - a program of the system, with arguments of our own
            [program, *words], capture_output=True, text=True, timeout=_LIMIT, check=False
        )
    except subprocess.TimeoutExpired:
        raise ProtectError(f"{name} did not answer within {_LIMIT:.0f} s") from None
    said = " ".join(f"{done.stdout} {done.stderr}".split())
    if "admin privileges" in said:
        raise ProtectError("the system's settings are an administrator's to change: run it with sudo")
    if done.returncode:
        raise RefusedError(f"{name} {words[0]}: {said:.300}")
    return done.stdout
