"""What was set before us, kept in the state directory for as long as the system's settings point at the gateway.

Written whole and to the disk before anything is changed, so that a crash at any moment leaves enough to put it back.
Who changes settings takes turns by a lock; the keeper holds another for as long as it lives.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from proxy.protect.system_settings import Gate, Settings
from proxy.protect.way import OnCrash, ProtectError


@dataclass(frozen=True, slots=True)
class Remembered:
    """Hold what was set before, what we set, whether that is in force; `mark` tells one from the next."""

    mark: str
    system: str
    on_crash: OnCrash
    gate: Gate
    before: Settings
    ours: Settings
    in_force: bool


class Memory:
    """Keep one `Remembered` in a file."""

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / "system-proxy.json"
        self._turns = state_dir / "system-proxy.lock"
        self._keeper = state_dir / "system-proxy.keeper"

    def load(self) -> Remembered | None:
        """Return what is remembered, if anything. Raises ProtectError where it cannot be read."""
        try:
            return _remembered(json.loads(self._path.read_text()))
        except FileNotFoundError:
            return None
        except PermissionError:
            raise ProtectError(f"{self._path}: cannot be read by this user: run it with sudo") from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise ProtectError(
                f"{self._path}: is damaged; set the system's proxy settings by hand, and remove the file"
            ) from None

    def save(self, remembered: Remembered) -> None:
        """Replace what is remembered."""
        draft = self._path.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        with os.fdopen(_created(draft), "w") as file:
            json.dump(asdict(remembered), file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)

    def is_ours(self) -> bool:
        """Say whether this user began what is remembered; GNOME's settings are each user's own."""
        return self._path.stat().st_uid == os.geteuid()

    def forget(self) -> None:
        """Remember nothing."""
        self._path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for our turn to change settings, and hold it. Raises ProtectError where this user may not."""
        with _locked(self._turns, fcntl.LOCK_EX):
            yield

    @contextlib.contextmanager
    def keeping(self) -> Iterator[None]:
        """Be the keeper; wait until the one before has ended."""
        with _locked(self._keeper, fcntl.LOCK_EX):
            yield

    def is_kept(self) -> bool:
        """Say whether a keeper lives."""
        try:
            with _locked(self._keeper, fcntl.LOCK_EX | fcntl.LOCK_NB):
                return False
        except BlockingIOError:
            return True


@contextlib.contextmanager
def _locked(path: Path, how: int) -> Iterator[None]:
    try:
        handle = _opened(path)
    except PermissionError:
        raise ProtectError(f"{path}: cannot be opened by this user: run it with sudo") from None
    except OSError as problem:
        raise ProtectError(f"{path}: {problem.strerror}") from None
    try:
        fcntl.flock(handle, how)
        yield
    finally:
        os.close(handle)


def _opened(path: Path) -> int:
    try:
        return _created(path)
    except FileExistsError:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)


def _created(path: Path) -> int:
    """Create a file for whose the folder is: a command run with sudo shall not keep the gateway from reading it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.fchown(handle, owner.st_uid, owner.st_gid)
    return handle


def _remembered(found: Mapping[str, Any]) -> Remembered:
    gate = found["gate"]
    return Remembered(
        mark=found["mark"],
        system=found["system"],
        on_crash=found["on_crash"],
        gate=Gate(gate["host"], gate["http"], gate["socks"], tuple(gate["bypass"])),
        before=_settings(found["before"]),
        ours=_settings(found["ours"]),
        in_force=found["in_force"],
    )


def _settings(found: Mapping[str, list[str]]) -> Settings:
    return {name: tuple(values) for name, values in found.items()}
