"""Change a file that others read and edit too: one of us at a time, all or nothing, never over a change not seen.

What the change is, is not known here. Readers see the old file or the new one, whole.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from proxy.config.source_file import decode, read_bytes, shown

LOCK_TIMEOUT = 10.0  # seconds
_BOM = b"\xef\xbb\xbf"


class EditError(RuntimeError):
    """Say why a file was left as it was."""


def change(path: Path, edit: Callable[[str], str]) -> None:
    """Replace a file's text by what `edit` makes of it; mode, owner, byte order mark and a symbolic link stay.

    Raises EditError when another edit holds the lock for too long or the file was changed while we worked, and what
    `edit` or reading raises; the file is then as it was.
    """
    path = path.resolve()
    with _locked(path.parent):
        before = read_bytes(path)
        after = edit(decode(before, path)).encode()
        after = _BOM + after if before.startswith(_BOM) else after
        if after != before:
            _replace(path, before, after)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold an exclusive lock on the folder itself: nothing is left behind, and a rename in it does not shift it."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _lock(handle, folder)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, folder: Path) -> None:
    deadline = time.monotonic() + LOCK_TIMEOUT
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise EditError(f"{shown(folder)}: another edit has not ended after {LOCK_TIMEOUT:.0f} s") from None
            time.sleep(0.02)
        else:
            return


def _replace(path: Path, before: bytes, after: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with open(handle, "wb") as file:  # noqa: PTH123 - a descriptor, not a path
            _dress(handle, path)
            file.write(after)
            file.flush()
            os.fsync(handle)
        _check_unchanged(path, before)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync(path.parent)


def _dress(handle: int, path: Path) -> None:
    """Give a new file the mode of the one that it replaces; its owner too, which only root can."""
    status = path.stat()
    os.fchmod(handle, status.st_mode & 0o7777)
    if os.geteuid() == 0:
        os.fchown(handle, status.st_uid, status.st_gid)


def _check_unchanged(path: Path, before: bytes) -> None:
    if read_bytes(path) != before:
        raise EditError(f"{shown(path)}: was changed by someone else meanwhile; nothing was done, try again")


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
