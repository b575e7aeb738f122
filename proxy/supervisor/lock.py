"""One gateway for one state directory: a lock that dies with its process."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class StateLockedError(RuntimeError):
    """Say which process serves this state directory already."""


class StateLock:
    """Hold the state directory's lock until `release` or the end of the process."""

    def __init__(self, root: Path) -> None:
        """Take the lock. Raises StateLockedError naming the process that holds it."""
        self._handle = os.open(root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._handle, 32, 0).decode("ascii", "replace").strip()
            os.close(self._handle)
            raise StateLockedError(
                f"a gateway already serves {root} (process {holder or 'unknown'}); stop it, or set another `state_dir`"
            ) from None
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let go of the lock."""
        os.close(self._handle)
