"""Make archives for tests: ZIP and tar of given members."""

from __future__ import annotations

import io
import tarfile
import zipfile


def zipped(*members: tuple[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a ZIP archive; `kind` is how members are packed."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", kind) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return held.getvalue()


def tarred(*members: tuple[str, bytes]) -> bytes:
    """Return a tar archive of the members and of a folder, which is none."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
    return held.getvalue()
