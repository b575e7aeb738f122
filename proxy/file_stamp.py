"""Tell by a file's stamp whether it was changed or replaced since it was read. What is in it is none of this file's."""

from __future__ import annotations

from pathlib import Path

type Stamp = tuple[int, int, int]


def stamp_of(path: Path) -> Stamp | None:
    """Return number, time of the last change (nanoseconds) and size (bytes) of a file; nothing where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
