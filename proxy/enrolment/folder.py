"""Where the files of an enrolment are put: a folder of the person's, 0700, each file 0600.

Nothing is overwritten but by `rotate`, which makes what lies there worthless.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from proxy.enrolment.kit import HandedFile


def default_folder(short: str) -> Path:
    """Return the folder for a device where none was named: in the current one, and ignored by this project's git."""
    return Path(f"enrolled-{short}")


def put(folder: Path, files: Iterable[HandedFile], *, replace: bool = False) -> list[Path]:
    """Write all files and return their paths. Raises FileExistsError, before anything is written, when one is there.

    With `replace` an earlier file of that name gives way.
    """
    wanted = list(files)
    there = [folder / file.name for file in wanted if (folder / file.name).exists()]
    if there and not replace:
        raise FileExistsError(f"{there[0]}: is there already; move it away, or name another folder with --out")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return [_written(folder / file.name, file.body) for file in wanted]


def _written(path: Path, body: bytes) -> Path:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(body)
    return path
