"""Snapshots on disk: published by rename, pointed at by a file, mapped only when they are ours and their head is whole.

The publisher checks every byte, once when a snapshot is written and again whenever it looks for news; readers check
owner, mode, size and head, so that opening takes less than a millisecond.

`snapshots/current` names the snapshot in force on its first line and the one before it on its second. A snapshot is
named by the hash of its content and never modified; one that is no longer named is removed at the next publication.
"""

from __future__ import annotations

import hashlib
import logging
import mmap
import os
import re
import stat
from pathlib import Path

from indicators.snapshot.layout import SnapshotError, verify
from indicators.snapshot.reader import Snapshot
from proxy.state import StateDir

_log = logging.getLogger(__name__)

SUFFIX = ".snapshot"
_NAME = re.compile(r"[0-9a-f]{32}\.snapshot")
_MAX_POINTER = 256  # bytes
_TRIES = 5  # a snapshot may be replaced twice between our reading its name and opening it


def pointer(state: StateDir) -> Path:
    """Return the path of the pointer file: watch it to learn of a new snapshot."""
    return state.snapshots / "current"


def named(state: StateDir) -> tuple[str, ...]:
    """Return the names that the pointer gives, the one in force first; nothing where there is no good pointer."""
    try:
        with pointer(state).open("rb") as file:
            lines = file.read(_MAX_POINTER).decode("ascii", "replace").split("\n")
    except FileNotFoundError:
        return ()
    return tuple(line for line in lines if _NAME.fullmatch(line))


def open_current(state: StateDir, *, whole: bool = False) -> Snapshot | None:
    """Map the snapshot in force, or nothing where there is none that is in order.

    A damaged or foreign file is refused and logged, and the one before it taken. With `whole` every byte is checked
    (about 15 ms for 30 MB), which is the publisher's to do.
    """
    for _ in range(_TRIES):
        names = named(state)
        for name in names:
            try:
                return open_snapshot(state.snapshots / name, whole=whole)
            except FileNotFoundError:
                continue
            except (SnapshotError, OSError) as error:
                _log.error("snapshot refused: %s", error)
        if names == named(state):
            return None
    return None


def open_snapshot(path: Path, *, whole: bool = False) -> Snapshot:
    """Map one snapshot. Raises SnapshotError, naming the file, when it is not ours, or damaged (see `open_current`)."""
    with path.open("rb") as file:
        _check_ours(path, os.fstat(file.fileno()))
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    try:
        if whole:
            verify(mapped)  # type: ignore[arg-type]
        return Snapshot(memoryview(mapped))
    except SnapshotError as error:
        raise SnapshotError(f"{path}: {error}; `seawall feeds update` makes another") from None


def _check_ours(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid():
        raise SnapshotError(f"{path}: is not a file of ours")
    if stat.S_IMODE(found.st_mode) & 0o022:
        raise SnapshotError(f"{path}: others may write to it; remove it and run `seawall feeds update`")
    if not found.st_size:
        raise SnapshotError(f"{path}: is empty")


def publish(state: StateDir, content: bytes) -> Path:
    """Write a snapshot under the name of its hash, point at it, and remove what is no longer named.

    Whenever this is cut off, the pointer names a whole snapshot: the file is complete on disk before it has its name,
    and has its name before the pointer gives it. Raises SnapshotError, and leaves the pointer, where the disk gives
    back other bytes than were written.
    """
    name = hashlib.sha256(content).hexdigest()[:32] + SUFFIX
    before = named(state)
    path = state.snapshots / name
    write_whole(path, content, mode=0o400)
    open_snapshot(path, whole=True)
    keep = (name, *[old for old in before if old != name][:1])
    write_whole(pointer(state), "".join(f"{one}\n" for one in keep).encode("ascii"))
    for old in state.snapshots.iterdir():
        if old.name not in keep and old != pointer(state):
            old.unlink(missing_ok=True)
    return path


def write_whole(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file so that it is seen whole or not at all, whenever the machine stops: write, flush, rename, flush."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:  # noqa: PTH123
        file.write(content)
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())
    partial.replace(path)
    _flush_folder(path.parent)


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
