"""A version on its way into a file of its own: written, hashed, and removed again when it was not finished."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from proxy.feeds.archives import members_of
from proxy.feeds.inflate import Meter


@dataclass(frozen=True, slots=True)
class Arrived:
    """Hold a version that arrived, whole, in a file of its own; `digest` is the SHA-256 of its plain text.

    `etag`, `modified` and `cursor` are what the next conditional request needs; `wait` is how long the publisher asks
    to be left alone, and `note` what a person should know.
    """

    path: Path
    digest: str
    etag: str = ""
    modified: str = ""
    cursor: str = ""
    wait: timedelta = timedelta()
    note: str = ""


class Sink:
    """Write plain text to a file and hash it on the way; the file is removed when it was not finished."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._hash = hashlib.sha256()
        self._done = False

    def __enter__(self) -> Sink:
        self._file: BinaryIO = self._path.open("wb")
        return self

    def write(self, plain: bytes) -> None:
        """Take the next bytes."""
        self._hash.update(plain)
        self._file.write(plain)

    def finish(self) -> str:
        """Flush everything to the disk and return the digest."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._done = True
        return self._hash.hexdigest()

    def __exit__(self, *_: object) -> None:
        self._file.close()
        if not self._done:
            with suppress(FileNotFoundError):
                self._path.unlink()


def unpacked(path: Path, digest: str, meter: Meter) -> str:
    """Put an archive's text in the archive's place and return its digest; leave anything else as it is."""
    members = members_of(path, meter)
    if members is None:
        return digest
    text = path.with_suffix(".unpacked")
    try:
        with Sink(text) as sink:
            for chunk in members:
                sink.write(chunk)
            digest = sink.finish()
    finally:
        path.unlink()
    text.replace(path)
    return digest
