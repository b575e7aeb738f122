"""The event spool of one process: a row of segments, the next one made before the last is full.

It knows bytes, not events. It never raises into its caller and never waits for a disk: where no segment can be made,
it says so and the caller decides what to keep (see `reporter.py`).
"""

from __future__ import annotations

import itertools
import os
import secrets
from pathlib import Path

import structlog

from proxy.reporting.segment import SegmentWriter

SEGMENT_SIZE = 1024 * 1024  # bytes
MAX_FOLDER = 256 * 1024 * 1024  # bytes that all spools of a gateway may take while the collector is away
SUFFIX = ".segment"

log = structlog.get_logger("spool")


class Spool:
    """Append records that outlive this process.

    `scarce` is true while no further segment can be made: then only first sightings may use the room that is left.
    Only one thread may append; `prepare` may run in another.
    """

    def __init__(
        self, folder: Path, role: str, *, segment_size: int = SEGMENT_SIZE, max_folder: int = MAX_FOLDER
    ) -> None:
        self.name = f"{role}-{os.getpid()}-{secrets.token_hex(4)}"
        self.scarce = False
        self._folder = folder
        self._size = segment_size
        self._max_folder = max_folder
        self._numbers = itertools.count(1)
        self._current: SegmentWriter | None = None
        self._spare: SegmentWriter | None = None
        self.prepare()

    @property
    def needs_spare(self) -> bool:
        """Say whether `prepare` has work to do."""
        return self._spare is None

    def append(self, payload: bytes, *, first_sighting: bool) -> bool:
        """Append one record; false when there is no room for it now."""
        if self.scarce and not first_sighting:
            return False
        if self._current and self._current.append(payload):
            return True
        if self._spare is None and not self.scarce:
            self.prepare()
        if self._spare is None or len(payload) > self._size // 2:
            return False
        if self._current:
            self._current.close()
        self._current, self._spare = self._spare, None
        return self._current.append(payload)

    def prepare(self) -> None:
        """Make the next segment ready, if it is not. A full disk makes the spool scarce until this succeeds."""
        if self._spare is not None:
            return
        try:
            self._check_room()
            path = self._folder / f"{self.name}-{next(self._numbers):08d}{SUFFIX}"
            self._spare = SegmentWriter(path, self._size)
        except OSError as error:
            if not self.scarce:
                log.warning("the event spool cannot grow: only first sightings are kept", reason=str(error))
            self.scarce = True
        else:
            if self.scarce:
                log.warning("the event spool has room again")
            self.scarce = False

    def close(self) -> None:
        """Close the segment in use and remove the one that was only prepared."""
        if self._current:
            self._current.close()
        if self._spare:
            self._spare.close()
            self._spare.path.unlink(missing_ok=True)
        self._current = self._spare = None

    def _check_room(self) -> None:
        taken = 0
        with os.scandir(self._folder) as entries:
            for entry in entries:
                taken += entry.stat().st_size if entry.name.endswith(SUFFIX) else 0
        if taken + self._size > self._max_folder:
            raise OSError(f"undelivered events take {taken >> 20} MiB; is the collector reachable?")
